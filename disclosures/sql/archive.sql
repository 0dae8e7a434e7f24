CREATE OR REPLACE TRIGGER disclosures_held_notice_is_kept AFTER INSERT ON disclosures_heldnotice FOR EACH ROW
    EXECUTE FUNCTION consent_tightening_is_kept('notice', 'disclosure_id', 'suppressed_until', 'order_ref');
