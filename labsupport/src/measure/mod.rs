//! Time and repeat: `time`, `measure`, `Samples`, `Work`.
