//! What of Secrets reaches gateways, and what is said where it may not be read.

use super::*;

fn with_credentials() -> Value {
    let header = json!({"header": {"name": "Authorization", "format": "Bearer %s", "secretRef": {"name": "token", "key": "token"}}});
    with(remote("web"), "/spec/credentials", header)
}

fn granting(grant: Option<Grant>, objects: Vec<Value>) -> World {
    let settings = Settings { secrets: SecretAccess::ByGrant, ..fixtures::files() };
    let mut world = fixtures::world_by(settings, objects);
    if let Some(grant) = grant {
        world.set_grant("shop", grant, &mut Dirty::default());
    }
    world
}

fn of_secret(world: &World) -> Outcome {
    outcome(&translate(world, ObjectKind::Secret, "token"), "Secret/shop/token")
}

#[test]
fn only_referenced_keys_of_a_secret_are_pushed() {
    let world = world(vec![with_credentials(), secret("token", json!({"token": "t0p", "other": "no"}))]);
    let made = translate(&world, SERVER, "web");
    assert_reasons!(made, []);
    let credential = put_server(&made).credential.unwrap();
    assert_eq!((credential.secret.as_str(), credential.format.as_str()), ("Secret/shop/token", "Bearer %s"));
    let Outcome::Put(body) = of_secret(&world) else { panic!("not pushed") };
    let Body::Secret(secret) = *body else { panic!("no secret") };
    assert_eq!(secret.data.keys().collect::<Vec<_>>(), ["token"]);
}

#[test]
fn a_secret_that_nobody_names_is_never_pushed() {
    assert_eq!(of_secret(&world(vec![secret("token", json!({"token": "t0p"}))])), Outcome::Remove);
}

#[test]
fn a_namespace_that_grants_nothing_is_told_with_the_command_and_what_was_pushed_is_revoked() {
    let world = granting(Some(Grant::Denied), vec![with_credentials()]);
    let made = translate(&world, SERVER, "web");
    assert_reasons!(made, [("SecretNotGranted", "spec.credentials.header.secretRef")]);
    assert_eq!(
        made.problems[0].remedy,
        "grant it: kubectl create rolebinding portolan-secret-reader --namespace=shop --clusterrole=portolan-secret-reader \
         --serviceaccount=default:portolan-operator"
    );
    assert_eq!(of_secret(&world), Outcome::Revoke);
}

#[test]
fn while_nobody_knows_of_a_grant_what_gateways_have_stays() {
    assert_eq!(of_secret(&granting(None, vec![with_credentials()])), Outcome::Hold(vec![]));
}

#[test]
fn a_granted_secret_that_is_not_there_is_removed_and_told() {
    let world = granting(Some(Grant::Listed), vec![with_credentials()]);
    assert_reasons!(translate(&world, SERVER, "web"), [("SecretNotFound", "spec.credentials.header.secretRef.name")]);
    assert_eq!(of_secret(&world), Outcome::Remove);
}

#[test]
fn a_key_that_a_secret_lacks_is_told() {
    let world = world(vec![with_credentials(), secret("token", json!({"other": "x"}))]);
    assert_reasons!(translate(&world, SERVER, "web"), [("SecretKeyNotFound", "spec.credentials.header.secretRef.key")]);
}
