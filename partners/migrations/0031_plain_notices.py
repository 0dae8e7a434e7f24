"""Write the second version of each notice, in plain words."""

from django.db import migrations

from audit.primitives.sql_files import InstallSQL

# The second version of each notice, where officers have published none of their own: theirs stays the newest.
NOTICES = """
INSERT INTO partners_noticetext (use, language, version, body, published_at, actor)
SELECT plain.use, plain.language, 2, plain.body, now(), 'system:install'
FROM (VALUES
    ('allow', 'en', 'If you allow this, {companies} may find your phone for one purpose only: {purpose}. How exact: {precision}. Until: {until}. If you say no, nothing changes about your phone service. You can stop it on this page at any time.'),
    ('allow', 'es', 'Si lo permite, {companies} podrán ver dónde está su teléfono con un solo fin: {purpose}. Exactitud: {precision}. Hasta: {until}. Si no lo permite, su servicio telefónico sigue igual. Puede detenerlo en esta página cuando quiera.'),
    ('allow', 'vi', 'Nếu quý vị cho phép, {companies} được xem điện thoại của quý vị ở đâu, chỉ cho một mục đích: {purpose}. Độ chính xác: {precision}. Đến: {until}. Nếu không cho phép, dịch vụ điện thoại của quý vị không thay đổi. Quý vị có thể ngừng trên trang này bất cứ lúc nào.'),
    ('allow', 'zh-hans', '如果您允许，{companies}可以查看您的手机在哪里，仅用于：{purpose}。精确程度：{precision}。有效期至：{until}。如果不允许，您的电话服务不受任何影响。您可以随时在此页面停止。'),
    ('allow', 'ar', 'إذا سمحت بذلك، يمكن لـ {companies} معرفة مكان هاتفك لغرض واحد فقط: {purpose}. مدى الدقة: {precision}. حتى: {until}. وإذا لم تسمح، فلن يتغيّر شيء في خدمة هاتفك. يمكنك إيقافه في هذه الصفحة في أي وقت.'),
    ('ask', 'en', 'A company says you agreed. If you say yes, {companies} may find your phone for one purpose only: {purpose}. How exact: {precision}. Until: {until}. If you say no, nothing changes about your phone service. We tell no one why you answered as you did.'),
    ('ask', 'es', 'Una empresa dice que usted aceptó. Si responde que sí, {companies} podrán ver dónde está su teléfono con un solo fin: {purpose}. Exactitud: {precision}. Hasta: {until}. Si responde que no, su servicio telefónico sigue igual. No le decimos a nadie por qué respondió así.'),
    ('ask', 'vi', 'Một công ty nói rằng quý vị đã đồng ý. Nếu quý vị trả lời có, {companies} được xem điện thoại của quý vị ở đâu, chỉ cho một mục đích: {purpose}. Độ chính xác: {precision}. Đến: {until}. Nếu trả lời không, dịch vụ điện thoại của quý vị không thay đổi. Chúng tôi không cho ai biết vì sao quý vị trả lời như vậy.'),
    ('ask', 'zh-hans', '一家公司说您已同意。如果您回答同意，{companies}可以查看您的手机在哪里，仅用于：{purpose}。精确程度：{precision}。有效期至：{until}。如果回答不同意，您的电话服务不受任何影响。我们不会告诉任何人您为什么这样回答。'),
    ('ask', 'ar', 'تقول شركة إنك وافقت. إذا أجبت بنعم، يمكن لـ {companies} معرفة مكان هاتفك لغرض واحد فقط: {purpose}. مدى الدقة: {precision}. حتى: {until}. وإذا أجبت بلا، فلن يتغيّر شيء في خدمة هاتفك. ولا نخبر أحدًا لماذا أجبت هكذا.'),
    ('stop', 'en', 'Stopping takes effect right away and lasts until you allow sharing again. It changes nothing about your phone service. 911 can still find you.'),
    ('stop', 'es', 'La detención se aplica de inmediato y dura hasta que usted vuelva a permitir. No cambia nada de su servicio telefónico. El 911 todavía puede encontrarle.'),
    ('stop', 'vi', 'Việc ngừng có hiệu lực ngay và kéo dài cho đến khi quý vị cho phép lại. Dịch vụ điện thoại của quý vị không thay đổi. 911 vẫn tìm được quý vị.'),
    ('stop', 'zh-hans', '停止立即生效，直到您再次允许为止。您的电话服务不受任何影响。911 仍然可以找到您。'),
    ('stop', 'ar', 'يسري الإيقاف فورًا ويستمر إلى أن تسمح بالمشاركة من جديد. لا يتغيّر شيء في خدمة هاتفك. ويظل بإمكان 911 العثور عليك.')
) AS plain (use, language, body)
WHERE NOT EXISTS (
    SELECT FROM partners_noticetext own
    WHERE own.use = plain.use AND own.language = plain.language AND own.actor <> 'system:install'
)
ON CONFLICT DO NOTHING;
"""


class Migration(migrations.Migration):
    replaces = [("partners", "0030_rules_end_as_agreed")]
    dependencies = [("partners", "0002_rules"), ("accounts", "0026_choose_alerts")]
    operations = [
        InstallSQL("addresses", "agents", "contracts", "cover", "guards", "machines", "proposals", "suspensions"),
        migrations.RunSQL(NOTICES, migrations.RunSQL.noop),
    ]
