//! Base OTs: endemic OT over ristretto255, both messages in one simultaneous round.
//!
//! Source: Masny and Rindal 2019 (ePrint 2019/706), the Diffie–Hellman instance.
//! Setting: two parties, malicious, random oracle, CDH; endemic security (a cheating party may bias
//! its own outputs, as every OT extension allows).
//! Differs: the group is ristretto255, so there are no cofactors; the oracles `H_i` and the key
//! derivation bind the session, the OT index and both messages; `Y` is fresh in every OT.
//! Notation: `j` OT index; `b` choice; `r_0, r_1` receiver's points; `a`, `y` secret scalars;
//! `H_i(j, r)` hash to the group; `P_i = r_i + H_i(j, r_{1−i})`, so `P_b = a·G`.
//! Cost per OT: sender 3 multiplications, receiver 2; 64 bytes one way, 32 the other. Floor: the same.

use crate::aes::Block;
use crate::curve::{Encoded, HashToGroup, decode, encode_doubles, half};
use crate::error::{Error, Result, ensure};
use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::IsIdentity;
use sha2::{Digest, Sha512};
use subtle::{Choice, ConditionallySelectable};
use zeroize::{Zeroize, Zeroizing};

/// Upper bound on the number of OTs of one instance.
pub const MAX_OTS: usize = 1 << 20;

/// Oracles of one session.
struct Oracles {
    hash: HashToGroup,
    session: Sha512,
    sid: Vec<u8>,
}

impl Oracles {
    fn new(sid: &[u8]) -> Result<Self> {
        let session = Sha512::new()
            .chain_update(b"tacit endemic-mr19 key")
            .chain_update((sid.len() as u64).to_le_bytes())
            .chain_update(sid);
        let mut prefixed = (sid.len() as u64).to_le_bytes().to_vec();
        prefixed.extend_from_slice(sid);
        Ok(Self {
            hash: HashToGroup::new(b"tacit endemic-mr19 oracle")?,
            session,
            sid: prefixed,
        })
    }

    /// `H_i(j, r)`.
    fn point(&self, side: u8, index: usize, r: &Encoded) -> RistrettoPoint {
        self.hash
            .point(&[&self.sid, &(index as u64).to_le_bytes(), &[side], r])
    }

    /// Key `i` of OT `j`.
    fn key(
        &self,
        side: u8,
        index: usize,
        pair: &[u8; 64],
        sent: &Encoded,
        shared: &Encoded,
    ) -> Block {
        let mut digest = self
            .session
            .clone()
            .chain_update((index as u64).to_le_bytes())
            .chain_update([side])
            .chain_update(pair)
            .chain_update(sent)
            .chain_update(shared)
            .finalize();
        let mut key = [0u8; 16];
        key.copy_from_slice(&digest[..16]);
        digest.as_mut_slice().zeroize();
        key
    }
}

/// 64 bytes for use `name` in OT `j`, from the seed.
fn derive(seed: &[u8; 32], name: &[u8], sid: &[u8], index: usize) -> Zeroizing<[u8; 64]> {
    let digest = Sha512::new()
        .chain_update(b"tacit endemic-mr19 secret")
        .chain_update(seed)
        .chain_update((name.len() as u64).to_le_bytes())
        .chain_update(name)
        .chain_update(sid)
        .chain_update((index as u64).to_le_bytes())
        .finalize();
    Zeroizing::new(digest.into())
}

fn check_count(n: usize) -> Result<()> {
    ensure(
        n <= MAX_OTS,
        Error::Range("at most 2^20 base OTs in one instance"),
    )
}

fn pair_halves(pair: &[u8; 64]) -> (Encoded, Encoded) {
    let (mut zero, mut one) = ([0u8; 32], [0u8; 32]);
    zero.copy_from_slice(&pair[..32]);
    one.copy_from_slice(&pair[32..]);
    (zero, one)
}

/// The party that gets both keys of each OT.
pub struct Sender {
    oracles: Oracles,
    secrets: Zeroizing<Vec<Scalar>>,
    sent: Vec<Encoded>,
}

impl Sender {
    /// Message: `Y_j = y_j·G`, 32 bytes each. `seed` is fresh and secret; both parties pass one `sid`.
    ///
    /// # Errors
    /// `Range` if `n` exceeds [`MAX_OTS`].
    pub fn start(seed: &[u8; 32], sid: &[u8], n: usize) -> Result<(Self, Vec<u8>)> {
        check_count(n)?;
        let oracles = Oracles::new(sid)?;
        let mut secrets = Zeroizing::new(Vec::with_capacity(n));
        let mut halves = Vec::with_capacity(n);
        for index in 0..n {
            let wide = derive(seed, b"sender", &oracles.sid, index);
            let y = Scalar::from_bytes_mod_order_wide(&wide);
            halves.push(RistrettoPoint::mul_base(&half(&y)));
            secrets.push(y);
        }
        let mut sent = vec![[0u8; 32]; n];
        encode_doubles(&halves, &mut sent);
        let message = sent.as_flattened().to_vec();
        Ok((
            Self {
                oracles,
                secrets,
                sent,
            },
            message,
        ))
    }

    /// Both keys of each OT, from the receiver's message of 64 bytes per OT.
    ///
    /// # Errors
    /// `Malformed` unless the message is `n` pairs of canonical points.
    pub fn finish(self, message: &[u8]) -> Result<Vec<[Block; 2]>> {
        let (pairs, rest) = message.as_chunks::<64>();
        ensure(
            rest.is_empty() && pairs.len() == self.sent.len(),
            Error::Malformed("the receiver's base OT message must have 64 bytes per OT"),
        )?;
        let mut halves = Zeroizing::new(Vec::with_capacity(2 * pairs.len()));
        for (index, (pair, y)) in pairs.iter().zip(self.secrets.iter()).enumerate() {
            let (zero, one) = pair_halves(pair);
            let points = [
                decode(&zero)? + self.oracles.point(0, index, &one),
                decode(&one)? + self.oracles.point(1, index, &zero),
            ];
            let y = half(y);
            for point in points {
                ensure(
                    !point.is_identity(),
                    Error::Malformed("a base OT key would be public"),
                )?;
                halves.push(point * *y);
            }
        }
        let mut shared = Zeroizing::new(vec![[0u8; 32]; halves.len()]);
        encode_doubles(&halves, &mut shared);
        let shared = shared.as_chunks::<2>().0;
        let each = pairs.iter().zip(&self.sent).zip(shared).enumerate();
        Ok(each
            .map(|(index, ((pair, sent), shared))| {
                [0u8, 1].map(|side| {
                    self.oracles
                        .key(side, index, pair, sent, &shared[usize::from(side)])
                })
            })
            .collect())
    }
}

/// The party that gets the key of its choice in each OT.
pub struct Receiver {
    oracles: Oracles,
    choices: Zeroizing<Vec<u8>>,
    secrets: Zeroizing<Vec<Scalar>>,
    pairs: Vec<[u8; 64]>,
}

impl Receiver {
    /// Message: `(r_0, r_1)`, 64 bytes per OT. `choices: u8[n]`, each 0 or 1.
    ///
    /// # Errors
    /// `Range` if a choice is not 0 or 1, or `n` exceeds [`MAX_OTS`].
    pub fn start(seed: &[u8; 32], sid: &[u8], choices: &[u8]) -> Result<(Self, Vec<u8>)> {
        check_count(choices.len())?;
        let above = choices
            .iter()
            .fold(0u8, |seen, choice| seen | (choice & !1));
        ensure(above == 0, Error::Range("choices must be 0 or 1"))?;
        let oracles = Oracles::new(sid)?;
        let mut secrets = Zeroizing::new(Vec::with_capacity(choices.len()));
        let mut pairs = Vec::with_capacity(choices.len());
        for (index, choice) in choices.iter().enumerate() {
            let wide = derive(seed, b"receiver", &oracles.sid, index);
            let a = Scalar::from_bytes_mod_order_wide(&wide);
            let other = derive(seed, b"other", &oracles.sid, index);
            let other = RistrettoPoint::from_uniform_bytes(&other)
                .compress()
                .to_bytes();
            let own = RistrettoPoint::mul_base(&a) - oracles.point(*choice, index, &other);
            let own = own.compress().to_bytes();
            let mut pair = [0u8; 64];
            let flip = Choice::from(*choice);
            for (at, (own, other)) in own.iter().zip(&other).enumerate() {
                pair[at] = u8::conditional_select(own, other, flip);
                pair[32 + at] = u8::conditional_select(other, own, flip);
            }
            pairs.push(pair);
            secrets.push(a);
        }
        let message = pairs.as_flattened().to_vec();
        let choices = Zeroizing::new(choices.to_vec());
        Ok((
            Self {
                oracles,
                choices,
                secrets,
                pairs,
            },
            message,
        ))
    }

    /// The chosen key of each OT, from the sender's message of 32 bytes per OT.
    ///
    /// # Errors
    /// `Malformed` unless the message is `n` canonical points.
    pub fn finish(self, message: &[u8]) -> Result<Vec<Block>> {
        let (sent, rest) = message.as_chunks::<32>();
        ensure(
            rest.is_empty() && sent.len() == self.pairs.len(),
            Error::Malformed("the sender's base OT message must have 32 bytes per OT"),
        )?;
        let mut halves = Zeroizing::new(Vec::with_capacity(sent.len()));
        for (sent, a) in sent.iter().zip(self.secrets.iter()) {
            halves.push(decode(sent)? * *half(a));
        }
        let mut shared = Zeroizing::new(vec![[0u8; 32]; halves.len()]);
        encode_doubles(&halves, &mut shared);
        let each = self
            .choices
            .iter()
            .zip(&self.pairs)
            .zip(sent)
            .zip(shared.iter());
        Ok(each
            .enumerate()
            .map(|(index, (((choice, pair), sent), shared))| {
                self.oracles.key(*choice, index, pair, sent, shared)
            })
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Stream;

    #[test]
    fn the_receiver_gets_exactly_the_chosen_key() {
        let choices = Stream::new(6).bits(40);
        let (sender, from_sender) = Sender::start(&[1; 32], b"sid", 40).unwrap();
        let (receiver, from_receiver) = Receiver::start(&[2; 32], b"sid", &choices).unwrap();
        assert_eq!((from_sender.len(), from_receiver.len()), (32 * 40, 64 * 40));
        let both = sender.finish(&from_receiver).unwrap();
        let one = receiver.finish(&from_sender).unwrap();
        for ((both, one), choice) in both.iter().zip(&one).zip(&choices) {
            assert_eq!(both[usize::from(*choice)], *one);
            assert_ne!(both[usize::from(1 - choice)], *one);
        }
    }

    #[test]
    fn another_session_gives_other_keys() {
        let (sender, _) = Sender::start(&[1; 32], b"sid", 1).unwrap();
        let (_, message) = Receiver::start(&[2; 32], b"sid", &[0]).unwrap();
        let (receiver, _) = Receiver::start(&[2; 32], b"dis", &[0]).unwrap();
        let (_, answer) = Sender::start(&[1; 32], b"sid", 1).unwrap();
        assert_ne!(
            sender.finish(&message).unwrap()[0][0],
            receiver.finish(&answer).unwrap()[0]
        );
    }

    #[test]
    fn malformed_messages_are_refused() {
        let sender = || Sender::start(&[1; 32], b"s", 2).unwrap();
        let receiver = || Receiver::start(&[2; 32], b"s", &[0, 1]).unwrap();
        let (answer, message) = (sender().1, receiver().1);
        for len in [0, 1, 63, 127] {
            assert!(matches!(
                sender().0.finish(&message[..len]),
                Err(Error::Malformed(_))
            ));
            assert!(matches!(
                receiver().0.finish(&answer[..len.min(63)]),
                Err(Error::Malformed(_))
            ));
        }
        for at in [0, 32, 96] {
            let mut message = message.clone();
            message[at..at + 32].fill(0xff);
            assert!(matches!(
                sender().0.finish(&message),
                Err(Error::Malformed(_))
            ));
            message[at..at + 32].fill(0);
            assert!(matches!(
                sender().0.finish(&message),
                Err(Error::Malformed(_))
            ));
        }
        let mut answer = answer;
        answer[32..].fill(0);
        assert!(matches!(
            receiver().0.finish(&answer),
            Err(Error::Malformed(_))
        ));
        assert!(matches!(
            Receiver::start(&[2; 32], b"s", &[2]),
            Err(Error::Range(_))
        ));
        // r_0 = −H_0(r_1) would make key 0 public.
        let oracles = Oracles::new(b"s").unwrap();
        let (_, good) = receiver();
        let one: Encoded = good[32..64].try_into().unwrap();
        let zero = -oracles.point(0, 0, &one);
        let mut bad = good;
        bad[..32].copy_from_slice(zero.compress().as_bytes());
        assert!(matches!(sender().0.finish(&bad), Err(Error::Malformed(_))));
    }
}
