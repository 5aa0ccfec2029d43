//! Pass-phrases of people: argon2id with the parameters of OWASP's Password Storage Cheat Sheet (19 MiB, two passes). Two
//! are worked on at a time, so that a flood of log-ins cannot eat the memory.

use std::sync::{Arc, LazyLock};

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use tokio::sync::Semaphore;

/// How many are worked on at a time.
const AT_A_TIME: usize = 2;

/// How many may wait for their turn.
const WAITING: usize = 64;

/// The fewest characters: length is what counts (NIST SP 800-63B), so nothing else is asked for.
const SHORTEST: usize = 12;

/// The most bytes.
const LONGEST: usize = 1024;

/// Those of twelve characters and more that everybody tries first, in lower case.
const WORST: &[&str] = &[
    "123456789012",
    "1234567890123",
    "12345678901234",
    "123456789012345",
    "1234567890123456",
    "1q2w3e4r5t6y",
    "1qaz2wsx3edc",
    "1qaz2wsx3edc4rfv",
    "abcdefghijkl",
    "abcdefghijklm",
    "adminadminadmin",
    "administrator",
    "changemechangeme",
    "changemenow!",
    "correct horse battery staple",
    "correcthorsebatterystaple",
    "iloveyouiloveyou",
    "letmeinletmein",
    "passphrase123",
    "password1234",
    "password12345",
    "password123456",
    "passwordpassword",
    "perisaiperisai",
    "qazwsxedcrfv",
    "qwerty123456",
    "qwertyqwerty",
    "qwertyuiop12",
    "qwertyuiop123",
    "qwertyuiopasdf",
    "welcome12345",
    "welcomewelcome",
];

/// Why a pass-phrase is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Weak {
    /// Too few characters.
    #[error("a pass-phrase has at least 12 characters")]
    Short,
    /// Too many bytes.
    #[error("a pass-phrase has at most 1024 bytes")]
    Long,
    /// Everybody tries it first.
    #[error("that pass-phrase is among the first that are tried")]
    Known,
}

/// Too many wait for their turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many log-ins at a time")]
pub struct Busy;

/// Makes and checks hashes of pass-phrases.
#[derive(Debug, Clone)]
pub struct PassPhrases {
    turns: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

/// What is checked for one who does not exist, so that they cost the same time.
static DECOY: LazyLock<String> = LazyLock::new(|| hash_of("nobody has this pass-phrase"));

/// Whether a pass-phrase is one to take.
///
/// # Errors
/// Where it is not.
pub fn check(pass_phrase: &str) -> Result<(), Weak> {
    if pass_phrase.chars().count() < SHORTEST {
        return Err(Weak::Short);
    }
    if pass_phrase.len() > LONGEST {
        return Err(Weak::Long);
    }
    let lower = pass_phrase.trim().to_lowercase();
    let first = lower.chars().next();
    let is_one_letter = lower.chars().all(|c| Some(c) == first);
    if is_one_letter || WORST.contains(&&*lower) {
        return Err(Weak::Known);
    }
    Ok(())
}

impl Default for PassPhrases {
    fn default() -> Self {
        Self {
            turns: Arc::new(Semaphore::new(AT_A_TIME)),
            waiting: Arc::new(Semaphore::new(AT_A_TIME + WAITING)),
        }
    }
}

impl PassPhrases {
    /// The hash of a pass-phrase, as a PHC string. Whether it is one to take is not looked at.
    ///
    /// # Errors
    /// Where too many wait.
    pub async fn hash(&self, pass_phrase: String) -> Result<String, Busy> {
        self.in_turn(move || hash_of(&pass_phrase)).await
    }

    /// Whether a pass-phrase is that of a hash. It takes as long where there is no hash.
    ///
    /// # Errors
    /// Where too many wait.
    pub async fn is_right(&self, hash: Option<String>, pass_phrase: String) -> Result<bool, Busy> {
        let check = move || {
            let known = hash.as_deref().unwrap_or(&DECOY);
            let is_right = pass_phrase.len() <= LONGEST
                && argon2().verify_password(pass_phrase.as_bytes(), known).is_ok();
            is_right && hash.is_some()
        };
        self.in_turn(check).await
    }

    async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        let _waits = self.waiting.try_acquire().map_err(|_| Busy)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| Busy)?;
        let task = tokio::task::spawn_blocking(move || {
            // Held until the work is done, even where nobody waits for it any more.
            let _turn = turn;
            work()
        });
        task.await.map_err(|_| Busy)
    }
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(19 * 1024, 2, 1, None).expect("the parameters are within their ranges");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn hash_of(pass_phrase: &str) -> String {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).expect("the system gives random numbers");
    let hash = argon2().hash_password_with_salt(pass_phrase.as_bytes(), &salt);
    hash.expect("any bytes can be hashed").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_are_taken() {
        let check =
            |text: &str, expected: Result<(), Weak>| assert_eq!(super::check(text), expected, "{text}");
        check("", Err(Weak::Short));
        check("eleven char", Err(Weak::Short));
        check("åäöåäöåäöåä", Err(Weak::Short));
        check("twelve chars", Ok(()));
        check("длинная фраза", Ok(()));
        check("PasswordPassword", Err(Weak::Known));
        check(" password1234 ", Err(Weak::Known));
        check("aaaaaaaaaaaaaaaa", Err(Weak::Known));
        check(&"ab".repeat(512), Ok(()));
        check(&"ab".repeat(513), Err(Weak::Long));
        assert!(
            WORST
                .iter()
                .all(|one| one.len() >= SHORTEST && *one == one.to_lowercase())
        );
    }

    #[tokio::test]
    async fn only_the_right_one_is_right() {
        let all = PassPhrases::default();
        let hash = all.hash("a long pass-phrase".to_owned()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let check = async |hash: Option<&str>, text: &str, expected| {
            let found = all.is_right(hash.map(str::to_owned), text.to_owned()).await;
            assert_eq!(found, Ok(expected), "{text}");
        };
        check(Some(&hash), "a long pass-phrase", true).await;
        check(Some(&hash), "a long pass-phrasE", false).await;
        check(Some(&hash), "", false).await;
        check(Some("not a hash"), "a long pass-phrase", false).await;
        check(None, "nobody has this pass-phrase", false).await;
    }

    #[tokio::test]
    async fn a_flood_is_turned_away() {
        let all = PassPhrases::default();
        let _held = all.turns.acquire_many(2).await.unwrap();
        let many: Vec<_> = (0..100)
            .map(|_| {
                let all = all.clone();
                tokio::spawn(async move { all.is_right(None, String::new()).await })
            })
            .collect();
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        let refused = many.iter().filter(|task| task.is_finished()).count();
        assert_eq!(refused, 100 - AT_A_TIME - WAITING);
        many.iter().for_each(tokio::task::JoinHandle::abort);
    }
}
