"""Pictures that lie as files in a folder, an archive or a database: what is there, what it shows, and what each is of."""
