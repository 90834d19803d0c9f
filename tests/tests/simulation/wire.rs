//! Connections: messages arrive in order, late, or not at all; and either end learns late that the other one is gone.

use std::collections::VecDeque;
use std::pin::Pin;
use std::time::Duration;

use futures::FutureExt;
use portolan_config::proto::{FromGateway, FromOperator, Refused};
use portolan_operator::operator::Link;

pub struct Wire {
    pub pod: usize,
    pub pod_life: u64,
    pub replica: usize,
    pub replica_life: u64,
    pub up: VecDeque<FromGateway>,
    pub down: VecDeque<FromOperator>,
    pub up_at: Duration,
    pub down_at: Duration,
    /// Nothing passes any more.
    pub cut: bool,
    /// Whether the operator has answered at all.
    pub answered: bool,
    /// The operator's end.
    pub served: Option<Served>,
}

pub struct Served {
    pub link: Link,
    let_go: Pin<Box<dyn Future<Output = Refused>>>,
    pub since: Duration,
}

impl Served {
    pub fn new(link: Link, since: Duration) -> Self {
        let let_go = Box::pin(link.let_go());
        Self { link, let_go, since }
    }

    /// What the gateway is told if this replica lets it go now.
    pub fn let_go(&mut self) -> Option<Refused> {
        self.let_go.as_mut().now_or_never()
    }
}

impl Wire {
    pub fn new(pod: (usize, u64), replica: (usize, u64)) -> Self {
        Self {
            pod: pod.0,
            pod_life: pod.1,
            replica: replica.0,
            replica_life: replica.1,
            up: VecDeque::new(),
            down: VecDeque::new(),
            up_at: Duration::ZERO,
            down_at: Duration::ZERO,
            cut: false,
            answered: false,
            served: None,
        }
    }

    pub fn cut(&mut self) {
        self.cut = true;
        self.up.clear();
        self.down.clear();
    }
}
