//! CIDR blocks: parsing, planning and allocation.
