//! Whole-product tests of Brevet, and tests of its tree.
