use proptest::prelude::*;

use super::*;

const SECOND: u64 = 1_000_000_000;

fn minute(requests: u64, burst: u64) -> Rate {
    Rate::new(requests, Duration::from_secs(60), burst)
}

#[test]
fn a_burst_passes_at_once_and_then_one_each_interval() {
    let (limiter, rate) = (Limiter::default(), minute(60, 10));
    let passed = (0..20).filter(|_| limiter.take(1, rate, 0).is_ok()).count();
    assert_eq!(passed, 10);
    assert_eq!(limiter.take(1, rate, 0), Err(Duration::from_secs(1)));
    assert_eq!(limiter.take(1, rate, SECOND / 2), Err(Duration::from_millis(500)));
    assert_eq!(limiter.take(1, rate, SECOND), Ok(()));
    assert!(limiter.take(1, rate, SECOND).is_err());
}

#[test]
fn waiting_as_long_as_told_is_enough() {
    let (limiter, rate) = (Limiter::default(), minute(7, 3));
    let mut now = 0;
    for _ in 0..50 {
        if let Err(wait) = limiter.take(1, rate, now) {
            now += u64::try_from(wait.as_nanos()).unwrap();
            assert_eq!(limiter.take(1, rate, now), Ok(()));
        }
    }
}

#[test]
fn keys_do_not_share_and_peeking_uses_nothing() {
    let (limiter, rate) = (Limiter::default(), minute(1, 1));
    assert_eq!(limiter.peek(1, rate, 0), Ok(()));
    assert_eq!(limiter.take(1, rate, 0), Ok(()));
    assert!(limiter.peek(1, rate, 0).is_err() && limiter.take(1, rate, 0).is_err());
    assert_eq!(limiter.take(2, rate, 0), Ok(()));
}

#[test]
fn a_pod_enforces_its_share_rounded_up_and_the_whole_burst() {
    let minute = Duration::from_secs(60);
    assert_eq!(Rate::share(60, minute, Some(10), 4), Rate::new(15, minute, 10));
    assert_eq!(Rate::share(10, minute, None, 3), Rate::new(4, minute, 4));
    assert_eq!(Rate::share(1, minute, None, 100), Rate::new(1, minute, 1));
    assert_eq!(Rate::share(60, minute, None, 0), Rate::new(60, minute, 60));
}

#[test]
fn extremes_neither_overflow_nor_divide_by_zero() {
    for rate in [
        Rate::new(u64::MAX, Duration::from_millis(1), u64::MAX),
        Rate::new(0, Duration::ZERO, 0),
        Rate::new(1, Duration::MAX, u64::MAX),
    ] {
        let limiter = Limiter::default();
        for now in [0, 1, u64::MAX / 2, u64::MAX] {
            let _ = limiter.take(1, rate, now);
        }
    }
}

#[test]
fn a_limit_made_shorter_does_not_wait_for_the_longer_one() {
    let limiter = Limiter::default();
    let day = Rate::new(1, Duration::from_secs(86_400), 1);
    assert!(limiter.take(1, day, 0).is_ok());
    let wait = limiter.take(1, minute(60, 1), 0).unwrap_err();
    assert_eq!(wait, Duration::from_secs(1));
}

#[test]
fn memory_is_bounded_and_what_is_in_disuse_goes_first() {
    let limiter = Limiter::with_capacity(64 * 16);
    let rate = minute(60, 5);
    let key = |number: u64| limiter.seed.hash_one(number);
    for number in 0..10_000 {
        assert!(limiter.take(key(number), rate, 1).is_ok());
    }
    assert!(limiter.len() <= 64 * 16);
    // A minute on, all of them are as good as unused.
    let later = 60 * SECOND;
    for number in 20_000..20_100 {
        assert!(limiter.take(key(number), rate, later).is_ok());
    }
    assert!(limiter.len() < 64 * 16);
}

/// A bucket that holds `burst` calls and gets one back each interval, in nanoseconds of credit.
struct Bucket {
    credit: u64,
    full: u64,
    interval: u64,
    at: u64,
}

impl Bucket {
    fn take(&mut self, now: u64) -> bool {
        self.credit = self.full.min(self.credit + (now - self.at));
        self.at = now;
        let enough = self.credit >= self.interval;
        if enough {
            self.credit -= self.interval;
        }
        enough
    }
}

proptest! {
    #[test]
    fn it_decides_as_a_bucket_does(
        requests in 1u64..1000,
        window_ms in 1u64..100_000,
        burst in 1u64..50,
        steps in prop::collection::vec((0u64..3, 0u64..400), 1..300),
    ) {
        let rate = Rate::new(requests, Duration::from_millis(window_ms), burst);
        let limiter = Limiter::default();
        let new = || Bucket { credit: rate.tolerance, full: rate.tolerance, interval: rate.interval, at: 0 };
        let mut buckets = [new(), new(), new()];
        let mut now = 0;
        for (key, percent) in steps {
            now += rate.interval * percent / 100;
            let expected = buckets[usize::try_from(key).unwrap()].take(now);
            prop_assert_eq!(limiter.take(key, rate, now).is_ok(), expected);
        }
    }

    #[test]
    fn no_window_lets_more_through_than_requests_and_burst(
        requests in 1u64..50,
        burst in 1u64..20,
        steps in prop::collection::vec(0u64..2000, 1..400),
    ) {
        let window = 60 * SECOND;
        let (rate, limiter) = (minute(requests, burst), Limiter::default());
        let (mut now, mut passed) = (0, Vec::new());
        for step in steps {
            now += step * SECOND / 100;
            if limiter.take(1, rate, now).is_ok() {
                passed.push(now);
            }
        }
        for (index, start) in passed.iter().enumerate() {
            let within = passed[index..].iter().take_while(|time| **time < start + window).count() as u64;
            // One more where an interval that does not divide the window was rounded down.
            prop_assert!(within <= requests + burst + 1);
        }
    }
}
