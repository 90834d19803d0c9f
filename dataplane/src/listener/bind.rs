//! The listening sockets: one for each worker on the same address, so that the kernel spreads connections and workers share nothing.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

/// Connections that may wait to be accepted, on each socket.
const BACKLOG: i32 = 4096;

/// Binds `count` sockets to one address; port 0 is any free port, the same for all of them.
///
/// # Errors
/// What the system says, with the address. An address that another process listens on is an error, although `SO_REUSEPORT` would let us share it
/// and silently take half of its connections.
pub fn bind(address: SocketAddr, count: usize) -> io::Result<Vec<TcpListener>> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{address}: {error}"));
    socket(address, false).map_err(named)?;
    let first = listen(address).map_err(named)?;
    let chosen = first.local_addr()?;
    let mut sockets = vec![first];
    for _ in 1..count {
        sockets.push(listen(chosen).map_err(named)?);
    }
    Ok(sockets)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket(address, true)?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn socket(address: SocketAddr, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restart must not wait for the connections of the process before.
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

#[cfg(test)]
mod tests;
