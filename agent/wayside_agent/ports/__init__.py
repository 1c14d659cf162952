"""What services may know of the world, one file per room. Drivers and links satisfy these and raise only our errors."""
