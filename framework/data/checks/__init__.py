"""What is asked of names, columns, numbers and stamps before anything is made of them; and how the faults of libraries are told."""
