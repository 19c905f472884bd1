#include "../registry.hpp"
#include "conversing.hpp"
#include "ground.hpp"

#include <map>

// Conversations and feeds that are larger than what is convenient.

namespace bsp::conformance {
namespace {

void long_conversations(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    auto const mark = watermark(s, a);
    std::size_t const pushes = 3, each = 450;
    for (std::size_t i = 0; i < pushes; ++i) {
        std::vector<json::object> messages;
        for (std::size_t j = 0; j < each; ++j) messages.push_back(s.message("m" + std::to_string(i * each + j), "x"));
        s.control(a.push({s.conversation(c, 1, std::move(messages))}), "a push of 450 messages");
    }
    auto const read = message_ids(s, a, c).size();
    s.expect(read == pushes * each, "a conversation that grew to 1350 messages is read whole", std::to_string(read) + " messages");
    auto const pulled = of_conversation(a.pull_all({.since = mark, .limit = 200}).conversations, c).messages.size();
    s.expect(pulled == pushes * each, "a conversation that grew to 1350 messages is pulled whole", std::to_string(pulled) + " messages");
}

void long_feeds(scenario& s) {
    auto const a = s.register_peer();
    auto const who = s.user();
    auto const first = s.fresh("first"), c = s.fresh("c");
    auto const mark = watermark(s, a);
    s.control(who.write(first, "first"), "a write");
    for (int i = 0; i < 350; ++i) s.control(who.write(c, "x"), "a write");
    s.expect(of_conversation(a.pull_all({.since = mark, .limit = 200}).conversations, first).present, "what was written before 350 other writes is in a pull since before", "it is absent");
}

void heavy_conversations(scenario& s) {
    auto const a = s.register_peer();
    auto const mark = watermark(s, a);
    auto const before = s.fresh("before"), heavy = s.fresh("heavy"), after = s.fresh("after");
    s.control(a.push({s.conversation(before, 1, {s.message("m1", "x")})}), "a push");
    std::map<std::string, std::string> contents;
    std::size_t const pushes = 2, each = 15, size = 400'000;
    for (std::size_t i = 0; i < pushes; ++i) {
        std::vector<json::object> messages;
        for (std::size_t j = 0; j < each; ++j) {
            auto const id = "m" + std::to_string(i * each + j);
            contents[id] = s.canary(12) + std::string(size, static_cast<char>('a' + j));
            messages.push_back(s.message(id, contents[id]));
        }
        s.control(a.push({s.conversation(heavy, 1, std::move(messages))}), "a push of 6 MB");
    }
    s.control(a.push({s.conversation(after, 1, {s.message("m1", "x")})}), "a push");
    for (int const limit : {1, 2, 200}) {
        auto const feed = a.pull_all({.since = mark, .limit = limit}).conversations;
        auto const how = " in pages of " + std::to_string(limit);
        for (auto const& id : {before, after}) s.expect(of_conversation(feed, id).present, "what was written before and after a conversation of 12 MB is pulled" + how, id + " is absent");
        std::map<std::string, std::string> pulled;
        for (auto const& m : of_conversation(feed, heavy).messages) pulled[text_at(m, "/id")] = text_at(m, "/content");
        s.expect(pulled.size() == contents.size(), "all 30 messages of a conversation of 12 MB are pulled" + how, std::to_string(pulled.size()) + " messages");
        s.expect(pulled == contents, "the messages of a conversation of 12 MB are pulled as they were pushed" + how, "they differ");
    }
    (void)s.user().del("/conversations/" + heavy);  // or the pulls of others carry it
}

check const checks[] = {
    {.id = "syn/long-conversation",
     .title = "a conversation that grew by several pushes is read and pulled whole",
     .clauses = {"BSP-MRG-010", "BSP-CNV-010", "BSP-SYN-105"},
     .impact = "the beginning of long conversations is lost",
     .likely_cause = "a limit of one push taken for one of the conversation, or a default LIMIT of a query",
     .run = long_conversations},
    {.id = "syn/long-feed",
     .title = "a change is in the feed however many came after it",
     .clauses = {"BSP-SYN-104", "BSP-SYN-107"},
     .impact = "a device that was away for a week misses what happened first",
     .likely_cause = "the feed is a log of bounded length",
     .run = long_feeds},
    {.id = "syn/heavy-conversation",
     .title = "a conversation that is larger than any payload is pulled whole, whatever the page",
     .clauses = {"BSP-SYN-105", "BSP-SYN-104", "BSP-SYN-116"},
     .impact = "messages of long conversations never reach the other devices",
     .likely_cause = "a page that is full of octets forgets the rest of the conversation in which it ended",
     .run = heavy_conversations,
     .needs = need::own_user},
};

}  // namespace

group large_feeds_group() { return {"large-feeds", profile::syn, checks}; }

}  // namespace bsp::conformance
