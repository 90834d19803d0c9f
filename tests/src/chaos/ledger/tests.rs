use super::*;

#[test]
fn a_trace_names_its_call_and_no_other_trace_does() {
    assert_eq!(traceparent(77), "00-0000000000000000000000000000004d-000000000000004d-00");
    assert_eq!(id_of_trace("0000000000000000000000000000004d"), Some(77));
    for foreign in ["", "4d", "00000000000000000000000000000000", "1000000000000000000000000000004d", "x"] {
        assert_eq!(id_of_trace(foreign), None, "{foreign}");
    }
}

#[test]
fn an_audit_log_is_read_line_by_line_and_what_is_torn_is_kept_apart() {
    let whole = format!(r#"{{"time":"t","trace_id":"{:032x}","verdict":"allow","status":200,"code":null}}"#, 5);
    let mut ledgers = Ledgers::default();
    ledgers.read_audit(2, &format!("{whole}\n{{\"time\":\"t\",\"tra{whole}\n{whole}\n"));
    let found: Vec<_> = ledgers.lines.iter().map(|line| (line.gateway, line.id, line.record.admits())).collect();
    assert_eq!(found, [(2, 5, true), (2, 5, true)]);
    assert_eq!(ledgers.strange.len(), 1, "{:?}", ledgers.strange);
}
