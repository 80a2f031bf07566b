"""A branch's own data: which stores are copied, how they are copied at one moment, and what runs on the copies."""
