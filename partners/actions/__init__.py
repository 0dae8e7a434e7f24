"""The verbs of partners: keys, machines that sign in, and what officers do with companies, contracts and campaigns."""
