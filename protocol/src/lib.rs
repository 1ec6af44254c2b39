//! Messages between Brevet's client and server, limits, problem types.
