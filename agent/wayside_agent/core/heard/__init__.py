"""What a roadside unit makes of the messages it hears: coverage, plausibility, samples."""
