"""Agreements, cover and rules: what Django can't say of the tables, the database's own rules, and the first rows."""

from django.db import migrations

from audit.primitives.sql_files import InstallSQL

TABLES = """
ALTER TABLE partners_dealing SET (fillfactor = 80);
ALTER TABLE partners_suspension ADD COLUMN target text GENERATED ALWAYS AS (of || ':' || target_id::text) STORED;
CREATE INDEX partners_suspension_target ON partners_suspension (target, starts_at);
"""

RULES = """
INSERT INTO partners_jurisdictionrule (state, starts_at, purposes, sale_test, source)
SELECT state, starts_at::timestamptz,
    ARRAY['dpv:SellDataToThirdParties', 'dpv:DirectMarketing', 'dpv:TargetedAdvertising'], true, source
FROM (VALUES
    ('MD', '2025-10-01T00:00:00Z', 'Maryland Online Data Privacy Act: no sale of sensitive data'),
    ('OR', '2026-01-01T00:00:00Z', 'Oregon Consumer Privacy Act as amended: no sale of precise geolocation'),
    ('VA', '2026-07-01T00:00:00Z', 'Virginia Consumer Data Protection Act as amended: no sale of precise geolocation'),
    ('CT', '2026-10-01T00:00:00Z', 'Connecticut Public Act 26-64: no sale, sharing or transfer of precise geolocation, nor access to it.'
        ' Not yet confirmed by counsel')
) AS rule (state, starts_at, source);
"""

UNNAMED = """
INSERT INTO partners_party (uri, name, kind, website, about, jwks_uri)
VALUES ('unknown', 'A company we can''t name', 'unnamed', '', '', '');
"""

NOTICES = """
INSERT INTO partners_noticetext (use, language, version, body, published_at, actor) VALUES
    ('allow', 'en', 1, 'If you say yes, {companies} may learn where your phone is, for this only: {purpose}. How exactly: {precision}. Until: {until}. Saying no changes nothing about your phone service, and you can stop at any time on this page.', '2026-01-01+00', 'system:install'),
    ('allow', 'es', 1, 'Si dice que sí, {companies} podrán saber dónde está su teléfono, solo para esto: {purpose}. Con qué exactitud: {precision}. Hasta: {until}. Decir que no no cambia nada de su servicio, y puede detenerlo cuando quiera en esta página.', '2026-01-01+00', 'system:install'),
    ('ask', 'en', 1, 'A company says that you agreed. If you say yes, {companies} may learn where your phone is, for this only: {purpose}. How exactly: {precision}. Until: {until}. Saying no changes nothing about your phone service. Nobody is told why you answered as you did.', '2026-01-01+00', 'system:install'),
    ('ask', 'es', 1, 'Una empresa dice que usted aceptó. Si dice que sí, {companies} podrán saber dónde está su teléfono, solo para esto: {purpose}. Con qué exactitud: {precision}. Hasta: {until}. Decir que no no cambia nada de su servicio. Nadie sabrá por qué respondió así.', '2026-01-01+00', 'system:install'),
    ('stop', 'en', 1, 'Stopping is in force at once and stays until you yourself allow again. It changes nothing about your phone service. 911 can still find you.', '2026-01-01+00', 'system:install'),
    ('stop', 'es', 1, 'La detención vale de inmediato y dura hasta que usted mismo vuelva a permitir. No cambia nada de su servicio. El 911 aún puede encontrarle.', '2026-01-01+00', 'system:install');
INSERT INTO partners_noticetext (use, language, version, body, published_at, actor) VALUES
    ('allow', 'zh-hans', 1, '如果您说可以，{companies}可以知道您的手机在哪里，只为这一个用途：{purpose}。精确程度：{precision}。有效到：{until}。说不可以，您的电话服务没有任何改变；您随时可以在这个页面上停止。', '2026-01-01+00', 'system:install'),
    ('allow', 'vi', 1, 'Nếu quý vị nói có, {companies} được biết điện thoại của quý vị ở đâu, chỉ cho việc này: {purpose}. Chính xác đến đâu: {precision}. Đến khi nào: {until}. Nói không thì dịch vụ điện thoại của quý vị vẫn như cũ, và quý vị có thể ngừng bất cứ lúc nào trên trang này.', '2026-01-01+00', 'system:install'),
    ('allow', 'ar', 1, 'إن قلت نعم، يجوز أن تعرف {companies} أين هاتفك، لهذا الغرض وحده: {purpose}. مدى الدقة: {precision}. حتى: {until}. قول لا لا يغيّر شيئًا في خدمة هاتفك، ويمكنك الإيقاف في أي وقت في هذه الصفحة.', '2026-01-01+00', 'system:install'),
    ('ask', 'zh-hans', 1, '一家公司说您同意了。如果您说可以，{companies}可以知道您的手机在哪里，只为这一个用途：{purpose}。精确程度：{precision}。有效到：{until}。说不可以，您的电话服务没有任何改变。没有人会知道您为什么这样回答。', '2026-01-01+00', 'system:install'),
    ('ask', 'vi', 1, 'Một công ty nói quý vị đã đồng ý. Nếu quý vị nói có, {companies} được biết điện thoại của quý vị ở đâu, chỉ cho việc này: {purpose}. Chính xác đến đâu: {precision}. Đến khi nào: {until}. Nói không thì dịch vụ điện thoại của quý vị vẫn như cũ. Không ai được biết vì sao quý vị trả lời như vậy.', '2026-01-01+00', 'system:install'),
    ('ask', 'ar', 1, 'تقول شركة إنك وافقت. إن قلت نعم، يجوز أن تعرف {companies} أين هاتفك، لهذا الغرض وحده: {purpose}. مدى الدقة: {precision}. حتى: {until}. قول لا لا يغيّر شيئًا في خدمة هاتفك. ولا يُخبَر أحد لماذا أجبت هكذا.', '2026-01-01+00', 'system:install'),
    ('stop', 'zh-hans', 1, '停止立即生效，一直到您自己再次允许为止。您的电话服务没有任何改变。911 仍然能找到您。', '2026-01-01+00', 'system:install'),
    ('stop', 'vi', 1, 'Lệnh ngừng có hiệu lực ngay và giữ nguyên đến khi chính quý vị cho phép lại. Dịch vụ điện thoại của quý vị vẫn như cũ. 911 vẫn tìm được quý vị.', '2026-01-01+00', 'system:install'),
    ('stop', 'ar', 1, 'يسري الإيقاف فورًا ويبقى إلى أن تسمح أنت من جديد. لا يغيّر شيئًا في خدمة هاتفك. ويبقى 911 قادرًا على أن يجدك.', '2026-01-01+00', 'system:install')
ON CONFLICT DO NOTHING;
"""


class Migration(migrations.Migration):
    # A database of 0.1.0 that has run all of these has all that is made here.
    replaces = [
        ("partners", "0002_cover"),
        ("partners", "0003_officers"),
        ("partners", "0004_two_officers"),
        ("partners", "0005_terms_only_shrink"),
        ("partners", "0006_room_for_dealings"),
        ("partners", "0007_names_stay"),
        ("partners", "0008_two_officers_for_all"),
        ("partners", "0009_machines_let_in_again"),
        ("partners", "0010_when_dealings_began"),
        ("partners", "0011_told_apart"),
        ("partners", "0012_the_gate_s_reading"),
        ("partners", "0013_rules_for_anomalies"),
        ("partners", "0014_authorized_agents"),
        ("partners", "0015_notices_in_more_languages"),
        ("partners", "0016_token_asked_at"),
        ("partners", "0017_two_officers_for_an_agent"),
        ("partners", "0018_received"),
        ("partners", "0019_links_take_turns"),
        ("partners", "0020_what_files_changed"),
        ("partners", "0029_a_yes_is_spent_once"),
    ]
    dependencies = [("partners", "0001_initial"), ("accounts", "0002_rules")]
    operations = [
        migrations.RunSQL(TABLES, migrations.RunSQL.noop),
        InstallSQL("addresses", "agents", "contracts", "cover", "guards", "machines", "proposals", "suspensions"),
        migrations.RunSQL(RULES, migrations.RunSQL.noop),
        migrations.RunSQL(UNNAMED, migrations.RunSQL.noop),
        migrations.RunSQL(NOTICES, migrations.RunSQL.noop),
    ]
