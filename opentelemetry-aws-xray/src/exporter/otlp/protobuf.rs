//! Protocol buffers, as far as writing OTLP needs them: fields appended to a buffer.
//!
//! A field that holds its default is left out, as proto3 has it, except where a function says otherwise.

/// How a field is written (Protocol Buffers, "Encoding": wire types).
#[derive(Clone, Copy)]
enum Wire {
    Varint = 0,
    Fixed64 = 1,
    LengthDelimited = 2,
    Fixed32 = 5,
}

/// An unsigned integer, or the number of an enum.
pub(super) fn uint(out: &mut Vec<u8>, field: u32, value: u64) {
    if value != 0 {
        present_uint(out, field, value);
    }
}

/// The same, written even if it is zero: inside a `oneof`, what is left out is not there.
pub(super) fn present_uint(out: &mut Vec<u8>, field: u32, value: u64) {
    tag(out, field, Wire::Varint);
    varint(out, value);
}

/// A `fixed64`.
pub(super) fn fixed64(out: &mut Vec<u8>, field: u32, value: u64) {
    if value != 0 {
        present_fixed64(out, field, value);
    }
}

/// The same, or the bits of a `double`, written even if they are zero.
pub(super) fn present_fixed64(out: &mut Vec<u8>, field: u32, bits: u64) {
    tag(out, field, Wire::Fixed64);
    out.extend_from_slice(&bits.to_le_bytes());
}

/// A `fixed32`.
pub(super) fn fixed32(out: &mut Vec<u8>, field: u32, value: u32) {
    if value != 0 {
        tag(out, field, Wire::Fixed32);
        out.extend_from_slice(&value.to_le_bytes());
    }
}

/// Bytes, or the UTF-8 of a text.
pub(super) fn bytes(out: &mut Vec<u8>, field: u32, value: &[u8]) {
    if !value.is_empty() {
        present_bytes(out, field, value);
    }
}

/// The same, or a message that is encoded already, written even if it is empty.
pub(super) fn present_bytes(out: &mut Vec<u8>, field: u32, value: &[u8]) {
    length(out, field, value.len());
    out.extend_from_slice(value);
}

/// The tag and length that stand before so many bytes.
pub(super) fn length(out: &mut Vec<u8>, field: u32, length: usize) {
    tag(out, field, Wire::LengthDelimited);
    varint(out, length as u64);
}

/// A message, written even if it is empty, by letting `write` append its fields.
pub(super) fn message(out: &mut Vec<u8>, field: u32, write: impl FnOnce(&mut Vec<u8>)) {
    let message = open(out, field);
    write(out);
    close(out, message);
}

/// A message that is being written: where its length stands.
#[must_use = "a message that is not closed has no length"]
pub(super) struct Open(usize);

/// Begins a message. Its fields follow, then [`close`].
pub(super) fn open(out: &mut Vec<u8>, field: u32) -> Open {
    tag(out, field, Wire::LengthDelimited);
    out.push(0);
    Open(out.len() - 1)
}

/// Ends a message by writing its length. Most are shorter than 128 bytes, for which there is room; others are moved.
pub(super) fn close(out: &mut Vec<u8>, Open(at): Open) {
    let length = out.len() - at - 1;
    let extra = varint_len(length) - 1;
    out.resize(out.len() + extra, 0);
    out.copy_within(at + 1..at + 1 + length, at + 1 + extra);
    put_varint(&mut out[at..], length as u64);
}

/// How many bytes a length-delimited field takes whose number is below 16.
pub(super) const fn field_len(length: usize) -> usize {
    1 + varint_len(length) + length
}

const fn varint_len(value: usize) -> usize {
    // Seven bits a byte, and a byte for none.
    (value | 1).ilog2() as usize / 7 + 1
}

fn tag(out: &mut Vec<u8>, field: u32, wire: Wire) {
    varint(out, u64::from(field << 3 | wire as u32));
}

fn varint(out: &mut Vec<u8>, value: u64) {
    const MOST: usize = 10;
    let mut buffer = [0; MOST];
    let length = put_varint(&mut buffer, value);
    out.extend_from_slice(&buffer[..length]);
}

/// Writes a varint to the beginning of `room`, and answers how many bytes it took.
fn put_varint(room: &mut [u8], mut value: u64) -> usize {
    for (index, byte) in room.iter_mut().enumerate() {
        *byte = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            return index + 1;
        }
        *byte |= 0x80;
    }
    room.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_the_specification_shows() {
        // Protocol Buffers, "Encoding": `a: 150`, `b: "testing"`, and a message that holds the first.
        let mut out = Vec::new();
        uint(&mut out, 1, 150);
        assert_eq!(out, [0x08, 0x96, 0x01]);
        out.clear();
        bytes(&mut out, 2, b"testing");
        assert_eq!(out, b"\x12\x07testing");
        out.clear();
        message(&mut out, 3, |out| uint(out, 1, 150));
        assert_eq!(out, [0x1a, 0x03, 0x08, 0x96, 0x01]);
    }

    proptest! {
        #[test]
        fn a_message_is_its_length_and_its_bytes(before in 0_usize..4, length in 0_usize..70_000) {
            let body = vec![7; length];
            let mut moved = vec![9; before];
            message(&mut moved, 3, |out| out.extend_from_slice(&body));
            let mut known = vec![9; before];
            present_bytes(&mut known, 3, &body);
            prop_assert!(moved == known, "{before} {length}");
            prop_assert_eq!(known.len() - before, field_len(length));
        }
    }
}
