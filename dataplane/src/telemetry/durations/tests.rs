use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

use super::*;

#[test]
fn a_duration_is_in_every_bucket_that_is_wide_enough() {
    let durations = Durations::default();
    durations.observe(Duration::from_micros(100));
    durations.observe(Duration::from_micros(101));
    durations.observe(Duration::from_secs(3600));
    let mut registry = Registry::default();
    registry.register("d", "d", durations);
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    assert!(text.contains("d_bucket{le=\"0.0001\"} 1\n"), "{text}");
    assert!(text.contains("d_bucket{le=\"0.00025\"} 2\n"), "{text}");
    assert!(text.contains("d_bucket{le=\"60.0\"} 2\n"), "{text}");
    assert!(text.contains("d_bucket{le=\"+Inf\"} 3\n"), "{text}");
    assert!(text.contains("d_count 3\n"), "{text}");
}
