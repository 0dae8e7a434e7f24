"""Vietnamese as it is written in the United States, with a day that nobody reads as a month."""

DECIMAL_SEPARATOR = "."
THOUSAND_SEPARATOR = ","
NUMBER_GROUPING = 3
SHORT_DATE_FORMAT = r"j \t\h\g n, Y"
