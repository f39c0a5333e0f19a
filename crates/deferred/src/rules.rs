#![doc = include_str!("../docs/rules.md")]

#[expect(unused_imports, reason = "the text above names them")]
use crate::*;
