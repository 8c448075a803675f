"""What this machine offers: memory, native parts, torch's compiler."""
