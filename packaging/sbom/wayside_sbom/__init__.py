"""What a package of Wayside is made of: a CycloneDX document and a licence list."""
