//! A node that is killed while it takes in: what it confirmed is there, and nothing is there twice.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::node::{Client, Node, OBJECTS, envelope, indicator};
use crate::tool::folder;

/// How many objects there are, and how many go into a delivery.
const MANY: usize = 100_000;
const STEP: usize = 500;

/// How often the node is killed.
const KILLS: usize = 20;

/// Numbers that look random, the same for the same seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % end
    }
}

/// What is still to be sent, and what was confirmed: the first number of each delivery, and of a confirmed one its status.
struct Deliveries {
    open: Mutex<Vec<usize>>,
    confirmed: Mutex<BTreeMap<usize, String>>,
}

/// Sends what is open until nothing is, or the node does not answer. What was not confirmed is sent again, as any client
/// would.
fn send(client: &Client, deliveries: &Deliveries) {
    loop {
        let Some(from) = deliveries.open.lock().unwrap().pop() else {
            return;
        };
        let answer = client.post(OBJECTS, envelope(from..from + STEP).as_bytes());
        let Ok(answer) = answer else {
            deliveries.open.lock().unwrap().push(from);
            return;
        };
        let status = answer.json();
        assert_eq!(
            (answer.status, &status["success_count"]),
            (202, &STEP.into()),
            "{status}"
        );
        let id = status["id"].as_str().unwrap().to_owned();
        deliveries.confirmed.lock().unwrap().insert(from, id);
    }
}

/// When the node is killed: once so many deliveries were confirmed, and a little later.
struct Kill {
    confirmed: usize,
    later: Duration,
}

/// One life of the node: it is sent to from three sides, and killed in the middle of it, unless all is to be sent.
fn live(folder: &Path, deliveries: &Deliveries, kill: Option<Kill>) {
    let mut node = Node::start(folder, "");
    let client = node.client.clone();
    std::thread::scope(|scope| {
        let senders: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| send(&client, deliveries)))
            .collect();
        if let Some(Kill { confirmed, later }) = kill {
            let started = Instant::now();
            while deliveries.confirmed.lock().unwrap().len() < confirmed {
                assert!(
                    started.elapsed() < Duration::from_secs(60),
                    "the node confirms nothing"
                );
                std::thread::sleep(Duration::from_millis(1));
            }
            std::thread::sleep(later);
            // SIGKILL: nothing of it gets to do anything more.
            node.child.kill().unwrap();
            node.child.wait().unwrap();
        }
        senders.into_iter().for_each(|sender| sender.join().unwrap());
    });
}

#[test]
fn what_was_confirmed_outlives_a_kill() {
    let told = std::env::var("PERISAI_TEST_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seed = told.unwrap_or(now.as_nanos() as u64);
    eprintln!("PERISAI_TEST_SEED={seed}");
    let mut dice = Dice(seed);
    let folder = folder(&[]);
    let deliveries = Deliveries {
        open: Mutex::new((0..MANY).step_by(STEP).rev().collect()),
        confirmed: Mutex::default(),
    };
    let mut in_the_middle = 0;
    for left in (1..=KILLS).rev() {
        let (open, confirmed) = (
            deliveries.open.lock().unwrap().len(),
            deliveries.confirmed.lock().unwrap().len(),
        );
        // As many as leave enough for the kills to come.
        let most = (open / (left + 1)).max(1);
        let kill = Kill {
            confirmed: confirmed + dice.below(most as u64) as usize,
            later: Duration::from_micros(dice.below(30_000)),
        };
        live(folder.path(), &deliveries, Some(kill));
        in_the_middle += usize::from(!deliveries.open.lock().unwrap().is_empty());
    }
    assert!(
        in_the_middle > KILLS / 2,
        "{in_the_middle} kills while there was something to send"
    );
    live(folder.path(), &deliveries, None);
    let node = Node::start(folder.path(), "");
    check(&node.client, &deliveries.confirmed.into_inner().unwrap());
}

/// All that was confirmed is there, once, as it was sent, and found.
fn check(client: &Client, confirmed: &BTreeMap<usize, String>) {
    assert_eq!(confirmed.len() * STEP, MANY);
    let mut all = client.all();
    assert_eq!(all.len(), MANY, "something is lost, or there twice");
    all.sort_by(|one, other| one["id"].as_str().cmp(&other["id"].as_str()));
    for (number, object) in all.into_iter().enumerate() {
        assert_eq!(object, indicator(number));
    }
    for status in confirmed.values() {
        let kept = client
            .get(&format!("/taxii2/api/status/{status}/"))
            .unwrap()
            .json();
        assert_eq!(kept["success_count"], STEP, "{kept}");
    }
    let verified = client.get("/api/audit/verify").unwrap().json();
    assert_eq!(verified["fault_count"], 0, "{verified}");
    assert!(verified["records"].as_u64() > Some(0));
    // The index catches up by itself; then each is found, and found once.
    let last = MANY - 1;
    for number in (0..MANY).step_by(997).chain([last]) {
        let by_value = format!("/api/objects?value=gate{number}.example");
        client.until(&by_value, |found| {
            found.json()["items"].as_array().map(Vec::len) == Some(1)
        });
    }
    let (mut found, mut after, started) = (0, String::new(), Instant::now());
    loop {
        let page = client
            .get(&format!("/api/objects?text=gate&limit=500{after}"))
            .unwrap()
            .json();
        found += page["items"].as_array().unwrap().len();
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(found, MANY, "after {:?}", started.elapsed());
}
