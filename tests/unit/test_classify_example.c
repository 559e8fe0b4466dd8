/* Messages of customers of the example's shop: where they go, and as what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "queue/base/memory.h"
#include "router/classify/classify.h"
#include "router/config.h"

#define MAP(bytes) ((struct text){bytes, sizeof(bytes) - 1})
#define NOBODY     TEXT_NONE
#define BLACK                                                                                      \
    MAP("\x81\xa4"                                                                                 \
        "card\xa5"                                                                                 \
        "black")
#define SPENDS_20000                                                                               \
    MAP("\x81\xac"                                                                                 \
        "spent_a_year\xcd\x4e\x20")
#define SILVER                                                                                     \
    MAP("\x81\xa4"                                                                                 \
        "card\xa6silver")
#define TWELVE MAP("\x81\xa6orders\x0c")

struct row {
    const char *channel;
    struct text customer; /* attributes */
    const char *message;
    const char *tier, *issue, *queue;
};

static const struct row rows[] = {
    /* Where is it? */
    {"chat", NOBODY, "我的快递怎么还没到，都三天了", "standard", "logistics", "logistics-zh"},
    {"chat", NOBODY, "物流一直不更新，帮我催一下", "standard", "logistics", "logistics-zh"},
    {"voice", SILVER, "Where is my parcel? It should have arrived on Monday.", "silver",
     "logistics", "logistics-en"},
    {"chat", NOBODY, "快递显示签收了，但我根本没收到", "standard", "lost_parcel", "logistics-zh"},
    {"chat", NOBODY, "Tracking says delivered but I never received it", "standard", "lost_parcel",
     "logistics-en"},

    /* Money. */
    {"chat", NOBODY, "退款什么时候到账？", "standard", "refund", "refund-zh"},
    {"chat", SPENDS_20000, "I would like a refund for order 20391", "gold", "refund", "refund-en"},
    {"voice", NOBODY, "买贵了，申请价保退差价", "standard", "refund", "refund-zh"},
    {"chat", NOBODY, "付款的时候被扣了两次", "standard", "payment", "payment-zh"},
    {"chat", NOBODY, "My credit card was charged twice", "standard", "payment", "payment-en"},
    {"chat", NOBODY, "麻烦开一张增值税专票，抬头是公司", "standard", "invoice", "payment-zh"},
    {"chat", NOBODY, "Can I get an invoice with our VAT number?", "standard", "invoice",
     "payment-en"},
    {"chat", NOBODY, "优惠券为什么用不上，红包也没抵扣", "standard", "coupon", "payment-zh"},
    {"chat", NOBODY, "My promo code gives no discount", "standard", "coupon", "payment-en"},

    /* Goods. */
    {"chat", NOBODY, "不想要了，怎么退货，可以上门取件吗", "standard", "return", "refund-zh"},
    {"chat", NOBODY, "How do I return this? I need a return label.", "standard", "return",
     "refund-en"},
    {"chat", NOBODY, "尺码小了，想换大一码", "standard", "exchange", "quality-zh"},
    {"chat", TWELVE, "You sent the wrong size, can I exchange it?", "silver", "exchange",
     "quality-en"},
    {"chat", NOBODY, "收到的时候瓶子碎了，漏液了", "standard", "damaged_item", "quality-zh"},
    {"chat", NOBODY, "The mug arrived broken", "standard", "damaged_item", "quality-en"},
    {"chat", NOBODY, "耳机用了一周就坏了，充不进电", "standard", "quality", "quality-zh"},
    {"chat", NOBODY, "The blender stopped working after two days", "standard", "quality",
     "quality-en"},
    {"chat", NOBODY, "请问这款有货吗？什么时候补货", "standard", "product_question", "orders-zh"},
    {"chat", NOBODY, "Which size should I take? Is there a size chart?", "standard",
     "product_question", "orders-en"},

    /* Orders and accounts. */
    {"chat", NOBODY, "地址填错了，可以改地址吗", "standard", "order_change", "orders-zh"},
    {"chat", NOBODY, "Please cancel my order, I ordered by mistake", "standard", "order_change",
     "orders-en"},
    {"chat", NOBODY, "登录不了，验证码收不到", "standard", "account", "account-zh"},
    {"chat", NOBODY, "I forgot my password and cannot log in", "standard", "account", "account-en"},

    /* Whoever complains is heard as one who complains, whatever it is about. */
    {"chat", NOBODY, "我要投诉！退款拖了一个月还没到", "standard", "complaint", "complaints"},
    {"email", NOBODY, "This is unacceptable. I want to speak to a manager about my refund.",
     "standard", "complaint", "complaints"},
    {"social", BLACK, "客服态度恶劣，我要曝光你们", "vip", "complaint", "complaints"},
    {"chat", NOBODY, "This is the third time I contact you!", "standard", "complaint",
     "complaints"},

    /* The channel and the tier. */
    {"chat", BLACK, "我的快递呢", "vip", "logistics", "vip-chat"},
    {"voice", BLACK, "Where is my order?", "vip", "logistics", "vip-voice"},
    {"email", BLACK, "I would like a refund", "vip", "refund", "vip-mail"},
    {"email", NOBODY, "退货地址是哪里", "standard", "return", "mail-zh"},
    {"email", NOBODY, "Where do I find the invoice?", "standard", "invoice", "mail-en"},
    {"social", NOBODY, "Is it back in stock?", "standard", "product_question", "social"},
    {"sms", NOBODY, "单号多少", "standard", "logistics", "sms"},

    /* One word does not decide: what stands beside it does. */
    {"chat", NOBODY, "售后服务退差价吗，昨天刚降价", "standard", "refund", "refund-zh"},
    {"chat", NOBODY, "有没有人管管退款啊", "standard", "refund", "refund-zh"},
    {"chat", NOBODY, "想换个大一号的，差价怎么补", "standard", "exchange", "quality-zh"},
    {"chat", NOBODY, "鞋子买大了，能给我换39码吗", "standard", "exchange", "quality-zh"},
    {"chat", NOBODY, "我拍的是白色，寄来的是黑色", "standard", "exchange", "quality-zh"},
    {"chat", NOBODY, "收货人电话写错了一位，还没发货能改吗", "standard", "order_change",
     "orders-zh"},
    {"chat", NOBODY, "微波炉突然不加热了，是寄回去修还是上门", "standard", "quality", "quality-zh"},
    {"chat", NOBODY, "Can I exchange a gift without the receipt?", "standard", "exchange",
     "quality-en"},
    {"chat", NOBODY, "The table has a broken leg, I want a new one rather than my money back",
     "standard", "damaged_item", "quality-en"},
    {"chat", NOBODY, "You have had my return for two weeks, where's my money?", "standard",
     "refund", "refund-en"},
    {"chat", NOBODY, "It never turned on again after the first charge", "standard", "quality",
     "quality-en"},
    {"chat", NOBODY, "Please cancel my order, I picked the wrong size", "standard", "order_change",
     "orders-en"},
    {"chat", NOBODY, "tracking shows delivered yesterday but nothing came", "standard",
     "lost_parcel", "logistics-en"},

    /* Written as people write. */
    {"chat", NOBODY, "ＲＥＦＵＮＤ　ＰＬＥＡＳＥ", "standard", "refund", "refund-en"},
    {"chat", NOBODY, "it doesn’t work", "standard", "quality", "quality-en"},
    {"chat", NOBODY, "Hello", "standard", NULL, "general"},
    {"chat", NOBODY, "你好，在吗", "standard", NULL, "general"},
    {"chat", NOBODY, "I crossed the border", "standard", NULL, "general"},
};

static bool name_is(const char *expected, const struct text *name)
{
    return expected == NULL ? name == NULL : name != NULL && text_equal(*name, text_from(expected));
}

static void messages_go_where_they_belong(void **state)
{
    struct config_problems problems = {0};
    struct config *c = config_read_file(SOURCE_DIR "/deploy/after-sales.yaml", &problems);
    struct classify_scratch *scratch = classify_scratch_create();
    unsigned wrong = 0;

    (void)state;
    assert_non_null(c);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct settings *s = c->workspaces[0]->settings;
        const struct row *row = &rows[i];
        struct classify_input in = {
            .channel = settings_find_channel(s, text_from(row->channel)),
            .customer_attributes = row->customer,
            .text = text_from(row->message),
        };
        struct classification out;
        const struct text *issue;
        classify(c->workspaces[0]->ruleset, scratch, &in, &out);
        issue = out.issue == INDEX_NONE16 ? NULL : &s->issues[out.issue].name;
        if (!name_is(row->tier, &s->tiers[out.tier].name) || !name_is(row->issue, issue) ||
            !name_is(row->queue, &s->queues[out.queue].name)) {
            print_message("%s\n  tier " TEXT_FORMAT " (" TEXT_FORMAT ")\n  issue " TEXT_FORMAT
                          " (" TEXT_FORMAT ")\n  queue " TEXT_FORMAT " (" TEXT_FORMAT ")\n",
                          row->message, TEXT_ARGS(s->tiers[out.tier].name), TEXT_ARGS(out.why_tier),
                          TEXT_ARGS(issue == NULL ? TEXT("none") : *issue),
                          TEXT_ARGS(out.why_issue), TEXT_ARGS(s->queues[out.queue].name),
                          TEXT_ARGS(out.why_queue));
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
    classify_scratch_destroy(scratch);
    config_destroy(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(messages_go_where_they_belong)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
