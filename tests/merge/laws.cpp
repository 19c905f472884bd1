#include <bsp/merge/join.hpp>
#include <bsp/merge/lamport.hpp>

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <vector>

using namespace bsp;
using namespace bsp::merge;

// Few values and many clashes: ties are where merges break. A body decides its digest, as SHA-256 does.
namespace bsp::merge {

void showValue(message const& m, std::ostream& out);
void showValue(conversation_head const& h, std::ostream& out);

void showValue(message const& m, std::ostream& out) {
    out << '{' << m.id << " v" << m.version << " t" << m.timestamp.seconds << '.' << m.timestamp.nanoseconds << (m.redacted ? " redacted" : "") << ' ' << m.body << '}';
}
void showValue(conversation_head const& h, std::ostream& out) {
    out << "{v" << h.version << " at " << h.last_modified << " (" << h.last_modified_at.seconds << ") register v" << h.scalars.version << " t" << h.scalars.last_modified.seconds << ' ' << h.scalars.body << '}';
}

}  // namespace bsp::merge

namespace {

sha256_digest digest_of(std::string const& body) {
    sha256_digest d{};
    std::copy(body.begin(), body.end(), d.begin() + 5);
    return d;
}

}  // namespace

namespace rc {

template <>
struct Arbitrary<message> {
    static Gen<message> arbitrary() {
        return gen::exec([] {
            message m;
            m.id = *gen::element<std::string>("a", "b");
            m.version = *gen::element<std::int64_t>(0, 1, limits::version_max);
            m.timestamp = *gen::element(instant{0, 0}, instant{0, 1}, instant{1, 0});
            m.redacted = *gen::arbitrary<bool>();
            m.deleted = *gen::arbitrary<bool>();
            m.surface = *gen::element<std::string>("web", "ios");
            std::string const facts{m.id + std::to_string(m.version) + std::to_string(m.timestamp.seconds) + std::to_string(m.timestamp.nanoseconds)};
            m.body = *gen::element<std::string>("x", "y") + (m.redacted ? "r" : "") + (m.deleted ? "d" : "") + m.surface + facts.substr(0, 4);
            m.digest = digest_of(m.body);
            return m;
        });
    }
};

template <>
struct Arbitrary<conversation_head> {
    static Gen<conversation_head> arbitrary() {
        return gen::exec([] {
            conversation_head h;
            h.conversation_id = "main";
            h.version = *gen::element<std::int64_t>(3, 5, 6);
            h.last_modified_at = *gen::element(instant{10, 0}, instant{15, 0}, instant{20, 0});
            h.last_modified = *gen::element<std::string>("z", "+00:00") + std::to_string(h.last_modified_at.seconds);
            h.version_seen = h.version + *gen::inRange(0, 3);
            h.surfaces = *gen::elementOf(std::vector<std::vector<std::string>>{{}, {"ios"}, {"ios", "web"}, {"android", "web"}});
            h.scalars.version = h.version;
            h.scalars.last_modified = h.last_modified_at;
            h.scalars.redacted = *gen::arbitrary<bool>();
            h.scalars.body = *gen::element<std::string>("x", "y") + (h.scalars.redacted ? "r" : "") + h.last_modified + std::to_string(h.version);
            h.scalars.digest = digest_of(h.scalars.body);
            return h;
        });
    }
};

}  // namespace rc

BOOST_AUTO_TEST_SUITE(merge_laws)

// BSP-MRG-014: the order is total, and equality means the same octets.
RC_BOOST_PROP(order_is_total, (message const& a, message const& b, message const& c)) {
    auto const same_id = [](message m) { return m.id = "a", m; };
    message const x = same_id(a), y = same_id(b), z = same_id(c);
    RC_ASSERT((compare(x, y) < 0) == (compare(y, x) > 0));
    if (compare(x, y) == 0) RC_ASSERT(x.digest == y.digest);
    if (compare(x, y) <= 0 && compare(y, z) <= 0) RC_ASSERT((compare(x, z) <= 0));
}

// BSP-MRG-021, BSP-MRG-022: order and repetition never matter.
RC_BOOST_PROP(messages_join_in_any_order, (message const& a, message const& b, message const& c)) {
    auto const digest = [](message const& m) { return m.digest; };
    RC_ASSERT(digest(join(a, b)) == digest(join(b, a)) || a.id != b.id);
    RC_ASSERT(digest(join(join(a, b), c)) == digest(join(a, join(b, c))));
    RC_ASSERT(join(a, a) == a);
}

RC_BOOST_PROP(heads_join_in_any_order, (conversation_head const& a, conversation_head const& b, conversation_head const& c)) {
    RC_ASSERT(join(a, b) == join(b, a));
    RC_ASSERT(join(join(a, b), c) == join(a, join(b, c)));
    RC_ASSERT(join(a, a) == a);
    RC_ASSERT(join(join(a, b), b) == join(a, b));
}

// BSP-MRG-019: a list of versions has one result, whatever their positions.
RC_BOOST_PROP(lists_join_in_any_order, (std::vector<message> messages)) {
    auto const first = join(messages);
    auto shuffled = messages;
    std::ranges::reverse(shuffled);
    shuffled.insert(shuffled.end(), messages.begin(), messages.end());
    auto const second = join(shuffled);
    RC_ASSERT(std::ranges::equal(first, second, {}, &message::digest, &message::digest));
    RC_ASSERT(first.size() <= 2u);
    for (auto const& m : messages)
        RC_ASSERT(std::ranges::any_of(first, [&](message const& kept) { return kept.id == m.id && compare(m, kept) <= 0; }));
}

// spec/decisions/0001: the register keeps a stamp of its own.
BOOST_AUTO_TEST_CASE(the_register_is_not_compared_with_the_emitted_maxima) {
    auto const write = [](std::int64_t version, std::int64_t at, std::string body) {
        conversation_head h;
        h.conversation_id = "main";
        h.version = h.version_seen = h.scalars.version = version;
        h.last_modified = std::to_string(at);
        h.last_modified_at = h.scalars.last_modified = {at, 0};
        h.scalars.body = std::move(body);
        h.scalars.digest = digest_of(h.scalars.body);
        return h;
    };
    auto const a = write(5, 10, "x"), b = write(3, 20, "y"), c = write(5, 15, "z");
    for (auto const& joined : {join(join(a, b), c), join(join(a, c), b), join(c, join(b, a))}) {
        BOOST_TEST(joined.version == 5);
        BOOST_TEST(joined.last_modified == "20");
        BOOST_TEST(joined.scalars.body == "z");
    }
}

// BSP-MRG-015 … BSP-MRG-018
BOOST_AUTO_TEST_CASE(each_line_of_the_order_decides_before_the_next) {
    message const base{.id = "m", .version = 2, .timestamp = {5, 5}, .redacted = false, .deleted = false, .surface = "", .body = "b", .digest = digest_of("b")};
    auto less = [&](auto change) {
        message m = base;
        change(m);
        return compare(m, base) < 0;
    };
    BOOST_TEST(less([](message& m) { m.version = 1, m.timestamp = {9, 9}; }));
    BOOST_TEST(less([](message& m) { m.timestamp = {5, 4}, m.digest = digest_of("c"); }));
    BOOST_TEST(less([](message& m) { m.redacted = true, m.digest = digest_of("c"); }));
    BOOST_TEST(less([](message& m) { m.digest = digest_of("a"); }));
    message high = base;
    high.digest[5] = 0x80;  // octets are unsigned
    BOOST_TEST((compare(base, high) < 0));
}

// BSP-MRG-060
BOOST_AUTO_TEST_CASE(divergence_is_the_same_version_with_other_octets) {
    message const a{.id = "m", .version = 2, .timestamp = {}, .redacted = false, .deleted = false, .surface = "", .body = "a", .digest = digest_of("a")};
    message b = a;
    BOOST_TEST(!diverged(a, b));
    b.digest = digest_of("b");
    BOOST_TEST(diverged(a, b));
    b.redacted = true;
    BOOST_TEST(!diverged(a, b));
    b.redacted = false;
    b.version = 3;
    BOOST_TEST(!diverged(a, b));
}

// BSP-MRG-070 … BSP-MRG-073
RC_BOOST_PROP(a_local_write_is_later_than_all_it_saw, ()) {
    auto const seen = *rc::gen::oneOf(rc::gen::inRange<std::int64_t>(0, 100), rc::gen::inRange<std::int64_t>(limits::version_max - 2, limits::version_max + 1));
    auto const next = next_version(seen);
    RC_ASSERT(next > seen || seen == limits::version_max);
    RC_ASSERT(next >= 1 && next <= limits::version_max);
    RC_ASSERT(next <= seen + 1);
}

BOOST_AUTO_TEST_SUITE_END()
