#include "content.hpp"

#include "../json.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <random>

namespace bsp::conformance::load {
namespace {

constexpr std::string_view words[] = {
    "the", "garden", "and", "we", "could", "plant", "tomatoes", "near", "a", "wall", "because", "it", "gets", "more", "sun", "than", "there", "what", "about", "that", "train",
    "to", "Zürich", "when", "does", "leave", "I", "would", "like", "something", "quiet", "with", "view", "of", "lake", "please", "remember", "this", "for", "next", "time",
    "recipe", "needs", "less", "salt", "but", "longer", "in", "oven", "until", "brown", "crème", "fraîche", "is", "on", "list", "children", "want", "see", "mountains", "again",
    "last", "summer", "was", "rather", "short", "so", "let", "us", "begin", "earlier", "house", "paint", "blue", "or", "green", "naïve", "question", "why", "sky", "そうですね", "Grüße", "日本"};
constexpr std::string_view emoji[] = {"😀", "🙏", "🍅", "👍🏽"};

double uniform(std::mt19937_64& random) { return static_cast<double>(random() >> 11) * 0x1p-53; }

std::string milliseconds_of(instant t) {
    t.nanoseconds -= t.nanoseconds % 1'000'000;
    return format_timestamp(t);
}

}  // namespace

std::uint64_t scrambled(std::uint64_t n) noexcept {
    n += 0x9E3779B97F4A7C15;
    n = (n ^ n >> 30) * 0xBF58476D1CE4E5B9;
    n = (n ^ n >> 27) * 0x94D049BB133111EB;
    return n ^ n >> 31;
}

std::string talk(std::uint64_t seed, bool assistant) {
    // Log-normal: the median is 60 bytes for a person and 400 for an assistant, one in a hundred is ten times as long.
    constexpr double spread = 1.0;
    constexpr std::size_t bytes_max = 16'000;
    std::mt19937_64 random{seed};
    double const a = std::max(uniform(random), 1e-12), b = uniform(random);
    double const normal = std::sqrt(-2 * std::log(a)) * std::cos(6.283185307179586 * b);
    auto const bytes = std::clamp<std::size_t>(static_cast<std::size_t>((assistant ? 400.0 : 60.0) * std::exp(spread * normal)), 2, bytes_max);
    std::string out;
    bool begins = true;
    while (out.size() < bytes) {
        std::string word{words[random() % std::size(words)]};
        if (begins && word[0] >= 'a' && word[0] <= 'z') word[0] = static_cast<char>(word[0] - 'a' + 'A');
        out += (out.empty() ? "" : " ") + word;
        auto const what = random() % 64;
        begins = what < 6;
        if (begins) out += what == 0 ? "?" : what == 1 && assistant ? ".\n\n" : ".";
        else if (what < 10) out += ",";
        else if (what == 10) out += " " + std::string{emoji[random() % std::size(emoji)]};
    }
    return out;
}

json::object made_turn(kept_conversation const& c, voice const& who, turn_options const& o) {
    // Two in three pushes carry the answer, too.
    std::size_t const messages = scrambled(o.seed) % 3 == 0 ? 1 : 2;
    json::array said;
    for (std::size_t i = 0; i < messages; ++i) {
        bool const assistant = i == 1;
        said.emplace_back(json::object{{"id", std::string{o.name} + (assistant ? "-b" : "-a")},
                                       {"role", assistant ? "assistant" : "user"},
                                       {"content", talk(scrambled(o.seed + i), assistant)},
                                       {"timestamp", milliseconds_of(o.written + std::chrono::milliseconds{i})},
                                       {"surface", who.surface},
                                       {"source_backend", who.source_backend},
                                       {"version", o.version}});
    }
    return {{"conversation_id", c.id}, {"version", o.version}, {"messages", std::move(said)}, {"surfaces", json::array{who.surface}},
            {"last_modified", milliseconds_of(o.written)}, {"source_backend", who.source_backend}, {"title", c.title}};
}

sent_push entry_for(json::object const& conversation, std::string sync_id) {
    json::value const v = conversation;
    sent_push out{std::move(sync_id), integer_at(v, "/version"), text_at(v, "/last_modified"), {}, fate::refused};
    for (auto const& m : objects_at(v, "/messages")) out.messages.push_back({text_at(json::value(m), "/id"), digest_of_message(m)});
    return out;
}

std::string made_event(std::string_view event_id, voice const& who, std::uint64_t seed, instant when) {
    std::mt19937_64 random{seed};
    return json::serialize(json::object{{"event_id", event_id},
                                        {"event_type", random() % 4 == 0 ? "conversation_sync" : "advisor_ask"},
                                        {"session_id", "load"},
                                        {"timestamp", milliseconds_of(when)},
                                        {"source_backend", who.source_backend},
                                        {"metadata", json::object{{"surface", who.surface}, {"mode", "quick"}}},
                                        {"latency_ms", static_cast<std::int64_t>(200 + random() % 2'000)},
                                        {"tokens_used", static_cast<std::int64_t>(100 + random() % 4'000)},
                                        {"cost_usd", static_cast<double>(random() % 1'000) / 1e5},
                                        {"model", "small-1"}});
}

}  // namespace bsp::conformance::load
