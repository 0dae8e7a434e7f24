"""The whole product on one machine: sample data, its people, and the processes that serve them."""
