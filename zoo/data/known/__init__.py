"""Data that is known by name: where it is published, how it is brought here, and the sources that read it afterwards."""
