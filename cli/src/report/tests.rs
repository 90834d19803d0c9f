use portolan_crds::Reason;
use portolan_operator::object::{Key, ObjectKind};

use super::*;

fn status(finding: Finding) -> ObjectStatus {
    let object = ObjectKey::new(ObjectKind::McpServer, Key::new("default", "notes"));
    ObjectStatus { object, target: None, findings: vec![finding], problems: Vec::new(), endpoint: None }
}

#[test]
fn a_condition_is_one_line_whatever_it_says() {
    let finding = Finding::fails(ConditionType::Accepted, Reason::Invalid, "spec: \x1b[2J\nbad");
    let text = conditions(&status(finding), Paint(false));
    assert_eq!(text.lines().count(), 2);
    assert!(text.contains("Accepted=False"), "{text}");
    assert!(!text.contains('\x1b'), "{text}");
}

#[test]
fn colours_are_for_terminals() {
    let finding = Finding::holds(ConditionType::Accepted, Reason::Accepted, "in use");
    assert!(conditions(&status(finding.clone()), Paint(true)).contains("\x1b[32m"));
    assert!(!conditions(&status(finding), Paint(false)).contains('\x1b'));
}
