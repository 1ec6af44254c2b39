//! SPIFFE ids, serials, fingerprints, timestamps; certificates read into facts.
