//! Pictures of measurements: lines, bars and heat maps, each with a text twin.
