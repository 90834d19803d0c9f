//! Generates the protocol's types from `proto/` without a `protoc` on the machine.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let files = ["resources", "stream", "disk"].map(|name| format!("portolan/config/v1/{name}.proto"));
    let descriptors = protox::compile(files, ["proto"])?;
    tonic_prost_build::configure()
        // One encoded body is shared by every stream.
        .bytes(".")
        // Versions are hashes of encodings, so maps must encode in one order.
        .btree_map(".")
        // Bodies can hold secret material: `proto.rs` prints them without it.
        .skip_debug(["portolan.config.v1.Secret", "portolan.config.v1.Resource"])
        .emit_rerun_if_changed(false)
        .compile_fds(descriptors)?;
    Ok(())
}
