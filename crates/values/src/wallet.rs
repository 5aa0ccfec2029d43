//! Cryptocurrency addresses: the written forms of Bitcoin (legacy and bech32), Ethereum-like chains, Monero, Tron,
//! Litecoin, Dogecoin, Ripple and Dash. Only the form is checked, not the checksum.

use std::borrow::Cow;

use crate::hash::lower;

const BASE58: &str = "a character outside base58";

pub(crate) fn canonical(text: &str) -> Result<Cow<'_, str>, &'static str> {
    let bytes = text.as_bytes();
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        let good = hex.len() == 40 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        return if good {
            Ok(lower(text))
        } else {
            Err("not 0x and 40 hexadecimal digits")
        };
    }
    let head = text.get(..4).unwrap_or_default().to_ascii_lowercase();
    if head.starts_with("bc1") || head == "ltc1" {
        let good = (26..=90).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_alphanumeric);
        return if good {
            Ok(lower(text))
        } else {
            Err("not a bech32 address")
        };
    }
    if !bytes.iter().all(|&byte| is_base58(byte)) {
        return Err(BASE58);
    }
    let form = match bytes.first() {
        Some(b'4' | b'8') => matches!(bytes.len(), 95 | 106),
        Some(b'1' | b'3' | b'T' | b'D' | b'L' | b'M' | b'A' | b'9' | b'r' | b'X') => {
            (25..=35).contains(&bytes.len())
        }
        _ => false,
    };
    if form {
        Ok(Cow::Borrowed(text))
    } else {
        Err("of no known form")
    }
}

fn is_base58(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() && !matches!(byte, b'0' | b'O' | b'I' | b'l')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        assert!(canonical("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa").is_ok());
        assert!(canonical("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4").is_ok());
        assert_eq!(
            canonical("0xDE0B295669a9FD93d5F28D9Ec85E40f4cb697BAe").unwrap(),
            "0xde0b295669a9fd93d5f28d9ec85e40f4cb697bae"
        );
        assert!(canonical("hello").is_err());
        assert!(canonical("1A1zP1eP5QGefi2DMPTfTL5SLmv7Div0OIl").is_err());
    }
}
