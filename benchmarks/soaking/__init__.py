"""What benchmarks/soak.py does its harm with."""
