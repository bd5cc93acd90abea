//! Memory that several processes see: flags, values, arrays and queues.
