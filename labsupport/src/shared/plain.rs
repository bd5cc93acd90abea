use std::mem::MaybeUninit;
use std::ptr::NonNull;

/// Types whose bytes mean the same in every process: numbers, `bool`, `char`, and arrays and tuples of these.
///
/// No references, boxes or strings: an address means nothing in another process.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// let found = Value::new((0u32, 0u64))?; // finder and answer
/// found.set((3, 1_000_003));
/// assert_eq!(found.get(), (3, 1_000_003));
/// # Ok::<(), SharedError>(())
/// ```
///
/// A struct of your own can be one too:
/// ```
/// # use labsupport::prelude::*;
/// #[derive(Clone, Copy)]
/// struct Signal { account: u32, score: f32 }
/// // SAFETY: two numbers, no pointers; zeros are a valid Signal.
/// unsafe impl Plain for Signal {}
/// let signal = Value::new(Signal { account: 7, score: 0.5 })?;
/// assert_eq!(signal.get().account, 7);
/// # Ok::<(), SharedError>(())
/// ```
///
/// # Safety
/// The type holds no pointers. All zeros are a valid value, and so is any mixture of the aligned words of two valid values, since a reader
/// without the lock may see one.
pub unsafe trait Plain: Copy + 'static {
    /// Whether every write to a place of this type writes all of it. False for a type with parts, each of which can be written by itself.
    #[doc(hidden)]
    const HAS_NO_PARTS: bool = false;
}

macro_rules! plain {
    ($($type:ty),*) => {$(
        // SAFETY: one number (or bool, or char) of at most one word; zero is valid.
        unsafe impl Plain for $type {
            const HAS_NO_PARTS: bool = true;
        }
    )*};
}
plain!(
    u8,
    u16,
    u32,
    u64,
    usize,
    i8,
    i16,
    i32,
    i64,
    isize,
    f32,
    f64,
    bool,
    char,
    ()
);
// SAFETY: two words of which every mixture is a number.
unsafe impl Plain for u128 {}
// SAFETY: two words of which every mixture is a number.
unsafe impl Plain for i128 {}
// SAFETY: element by element.
unsafe impl<T: Plain, const N: usize> Plain for [T; N] {}
// SAFETY: field by field.
unsafe impl<A: Plain> Plain for (A,) {}
// SAFETY: field by field.
unsafe impl<A: Plain, B: Plain> Plain for (A, B) {}
// SAFETY: field by field.
unsafe impl<A: Plain, B: Plain, C: Plain> Plain for (A, B, C) {}
// SAFETY: field by field.
unsafe impl<A: Plain, B: Plain, C: Plain, D: Plain> Plain for (A, B, C, D) {}

/// Eight bytes that are read and written in one piece. They begin with a value of at most eight bytes.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct Word(MaybeUninit<u64>);

impl Word {
    /// A word that begins with `value`, or with as much of it as fits.
    #[inline]
    pub(super) fn of<T>(value: &T) -> Word {
        let mut word = MaybeUninit::<u64>::zeroed();
        // SAFETY: both are valid for the smaller of the two sizes, and they do not overlap. Padding may come along:
        // the word may be uninitialised.
        unsafe {
            std::ptr::copy_nonoverlapping(
                (&raw const *value).cast::<MaybeUninit<u8>>(),
                word.as_mut_ptr().cast::<MaybeUninit<u8>>(),
                size_of::<T>().min(size_of::<Word>()),
            );
        }
        Word(word)
    }

    /// The value at the beginning of the word.
    ///
    /// # Safety
    /// The word begins with a valid `T`.
    #[inline]
    pub(super) unsafe fn get<T: Plain>(self) -> T {
        // SAFETY: this function's contract.
        unsafe { std::mem::transmute_copy(&self.0) }
    }

    /// Reads a word in one instruction.
    ///
    /// # Safety
    /// `from` is valid for reads of a word and aligned for it. Writes that happen there meanwhile come from another process or go
    /// through another mapping of the same pages.
    #[inline]
    pub(super) unsafe fn load(from: NonNull<Word>) -> Word {
        // SAFETY: this function's contract.
        unsafe { from.read_volatile() }
    }

    /// Writes a word in one instruction.
    ///
    /// # Safety
    /// As for [`load`](Word::load), for writes.
    #[inline]
    pub(super) unsafe fn store(self, to: NonNull<Word>) {
        // SAFETY: this function's contract.
        unsafe { to.write_volatile(self) };
    }
}

/// The largest step in which a `T` can be copied by single instructions.
const fn step<T>() -> usize {
    let align = align_of::<T>();
    if align < 8 { align } else { 8 }
}

/// Copies a `T` word by word, each word in one instruction: another process may change it between two words.
///
/// # Safety
/// `from` is valid and aligned for reads of a `T`. Writes that happen there meanwhile come from another process or go through
/// another mapping of the same pages.
#[inline]
pub(super) unsafe fn load_words<T: Plain>(from: *const T) -> T {
    let mut value = MaybeUninit::<T>::uninit();
    // SAFETY: source and destination are valid for `T`; every word lies within it and is aligned, since the step divides
    // the alignment; `MaybeUninit` words may hold padding. What comes out is a mixture of valid words, so a valid `T`.
    unsafe {
        copy_words(
            from.cast::<u8>(),
            value.as_mut_ptr().cast::<u8>(),
            size_of::<T>(),
            step::<T>(),
        );
        value.assume_init()
    }
}

/// # Safety
/// Both pointers are valid for `bytes` bytes and aligned to `step`, which is 1, 2, 4 or 8 and divides `bytes`.
#[inline]
unsafe fn copy_words(from: *const u8, to: *mut u8, bytes: usize, step: usize) {
    macro_rules! copy {
        ($word:ty) => {
            for index in 0..bytes / step {
                // SAFETY: word `index` lies within both, aligned, by this function's contract.
                unsafe {
                    let word = from.cast::<MaybeUninit<$word>>().add(index).read_volatile();
                    to.cast::<MaybeUninit<$word>>()
                        .add(index)
                        .write_volatile(word);
                }
            }
        };
    }
    match step {
        8 => copy!(u64),
        4 => copy!(u32),
        2 => copy!(u16),
        _ => copy!(u8),
    }
}
