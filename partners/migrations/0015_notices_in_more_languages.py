from django.db import migrations

NOTICES = """
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
    dependencies = [("partners", "0014_authorized_agents")]
    operations = [migrations.RunSQL(NOTICES, migrations.RunSQL.noop)]
