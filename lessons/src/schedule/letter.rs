/// The letter of worker `index`: A, B, C …
pub(super) fn letter(index: usize) -> char {
    (b'A' + index as u8) as char
}
