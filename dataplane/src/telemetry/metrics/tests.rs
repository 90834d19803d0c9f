use super::*;

#[test]
fn the_page_says_what_is_in_force() {
    let metrics = Metrics::new(&Limits::default());
    metrics.in_force(InForce { source: "None", epoch: 0, resources: 0, rejected: 0 });
    metrics.in_force(InForce { source: "Stream", epoch: 3, resources: 9, rejected: 1 });
    let text = metrics.render();
    for line in [
        "portolan_config_source{source=\"Stream\"} 1\n",
        "portolan_config_epoch 3\n",
        "portolan_config_resources 9\n",
        "portolan_config_rejected 1\n",
        "portolan_config_age_seconds 0.0\n",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert!(!text.contains("source=\"None\""));
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn a_guard_counts_while_it_lives() {
    let metrics = Metrics::new(&Limits::default());
    let stream = metrics.stream();
    assert_eq!(metrics.streams(), 1);
    drop(stream);
    assert_eq!(metrics.streams(), 0);
}
