//! Calls that nobody waits for any more.

use portolan_tests::agent::Agent;
use portolan_tests::eventually::{eventually, within};
use portolan_tests::fixture::Fixture;
use portolan_tests::manifests::{route, server};
use portolan_tests::recorder::{Answer, Speaks};
use portolan_tests::standalone::Standalone;

use super::{ALL, before, modern_upstream, progress, with_token};

#[tokio::test]
async fn a_modern_agent_that_goes_away_cancels_its_call_in_the_servers_own_way() -> anyhow::Result<()> {
    for speaks in ALL {
        let (_gateway, recorder, [modern, _]) = before(speaks).await?;
        for (what, answer) in
            [("before an answer", Answer::Hang), ("in a stream", Answer::Open(vec![progress("$TOKEN", 1)]))]
        {
            recorder.forget();
            recorder.answer("echo", answer);
            let gone = recorder.gone();
            let request = with_token(&modern.calling("alpha_echo", "{}"), "1");
            let calling = async {
                let response = request.open(modern.address).await?;
                std::future::pending::<()>().await;
                drop(response);
                Ok::<_, anyhow::Error>(())
            };
            let id = tokio::select! {
                result = calling => panic!("{result:?}"),
                seen = recorder.sees("tools/call") => seen.json()["id"].clone(),
            };
            if speaks == Speaks::Modern || speaks == Speaks::Both {
                eventually("the server's exchange is broken off", async || (recorder.gone() > gone).then_some(()))
                    .await;
                assert!(recorder.saw("notifications/cancelled").is_empty(), "{speaks:?} {what}");
            } else {
                let cancelled = recorder.sees("notifications/cancelled").await;
                assert_eq!(cancelled.json()["params"]["requestId"], id, "{speaks:?} {what}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_older_agent_cancels_by_a_notification_and_not_by_going_away() -> anyhow::Result<()> {
    for speaks in ALL {
        let (_gateway, recorder, [_, legacy]) = before(speaks).await?;
        recorder.forget();
        recorder.answer("echo", Answer::Hang);
        let gone = recorder.gone();
        let request = legacy.calling("alpha_echo", "{}").id(r#""mine""#);
        let (_, ()) = within("the cancelled call ends", async {
            tokio::join!(request.send(legacy.address), async {
                let id = recorder.sees("tools/call").await.json()["id"].clone();
                let params = r#"{"requestId":"mine","reason":"enough"}"#;
                let accepted = legacy.notify("notifications/cancelled", params).await.expect("an answer");
                assert_eq!(accepted.status.as_u16(), 202);
                if modern_upstream(speaks, &legacy) {
                    eventually("the exchange is broken off", async || (recorder.gone() > gone).then_some(())).await;
                } else {
                    assert_eq!(
                        recorder.sees("notifications/cancelled").await.json()["params"]["requestId"],
                        id,
                        "{speaks:?}"
                    );
                }
            })
        })
        .await;
    }
    Ok(())
}

#[tokio::test]
async fn an_older_agent_that_goes_away_leaves_its_call_running() -> anyhow::Result<()> {
    for speaks in [Speaks::Modern, Speaks::Legacy] {
        let (gateway, recorder, [_, legacy]) = before(speaks).await?;
        recorder.forget();
        recorder.answer("echo", Answer::Gated(Box::new(Answer::Json(portolan_tests::recorder::RESULT.to_owned()))));
        let gone = recorder.gone();
        {
            let request = legacy.calling("alpha_echo", "{}");
            let calling = request.open(legacy.address);
            tokio::select! {
                result = calling => panic!("{:?}", result.map(|response| response.status())),
                _ = recorder.sees("tools/call") => {}
            }
        }
        // Another message of the same agent has been served whole: the gateway has seen the connection go.
        eventually("the gateway goes on", async || legacy.send(&legacy.request("ping", "{}")).await.ok()).await;
        recorder.open_gate();
        gateway.audited("the call is accounted for", |line| line["method"] == "tools/call").await;
        assert_eq!(recorder.gone(), gone, "{speaks:?}: the exchange was not broken off");
        assert!(recorder.saw("notifications/cancelled").is_empty(), "{speaks:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_real_server_sees_cancellations_of_both_kinds() -> anyhow::Result<()> {
    for speaks in [Speaks::Modern, Speaks::Legacy] {
        let fixture = Fixture::start(speaks).await?;
        let gateway = Standalone::start(&[server("real", &fixture.url()), route("eng", "/mcp", &["real"])]).await?;
        let modern = Agent::modern(&gateway, "/mcp");
        eventually("the tools are listed", async || modern.names().await.ok().filter(|names| names.len() == 8)).await;
        let request = modern.calling("real_slow", r#"{"milliseconds":600000}"#);
        tokio::select! {
            result = request.send(modern.address) => panic!("{result:?}"),
            () = eventually("the call runs", async || (fixture.running() == 1).then_some(())) => {}
        }
        eventually("the call is cancelled", async || (fixture.running() == 0).then_some(())).await;
        assert_eq!(fixture.cancelled(), 1, "{speaks:?}");
    }
    Ok(())
}
