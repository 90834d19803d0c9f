//! Thousands of seeded schedules: replicas that are paused, cut off, killed and stopped, calls that are late or lost, and clocks of different
//! speed. What must hold in each is checked at every event.

mod world;

use std::time::Duration;

use self::world::World;

/// How long faults go on, and how long nothing more goes wrong afterwards.
const STORM: Duration = Duration::from_secs(60);
const CALM: Duration = Duration::from_secs(20);

/// How soon after the storm somebody holds: the last fault goes on for twenty seconds at most, and a term passes then.
const RECOVERY: Duration = Duration::from_secs(30);

#[test]
fn at_most_one_replica_holds_and_epochs_never_repeat_or_go_back() {
    let mut takings = 0;
    for seed in 0..2000 {
        let mut world = World::new(seed, 2 + seed as usize % 3);
        world.run(STORM, true);
        world.run(RECOVERY, false);
        let holder = world.holder().unwrap_or_else(|| panic!("seed {seed}: nobody holds after the storm"));
        world.run(CALM, false);
        assert_eq!(world.holder(), Some(holder), "seed {seed}: the lease went on although nothing happened");
        takings += world.takings;
    }
    assert!(takings > 4000, "the storm is none: {takings} takings");
}
