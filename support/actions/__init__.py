"""What staff do across more than one app: proposals, drafts, rules, links, looks at an order, incidents, cases."""
