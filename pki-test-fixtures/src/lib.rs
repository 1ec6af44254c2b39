//! Clusters and authorities to test Brevet against, and forgeries.
