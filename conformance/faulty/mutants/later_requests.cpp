#include "later.hpp"
#include "lenient_json.hpp"

#include <algorithm>
#include <cctype>

/// Faults of reading bytes, texts, numbers and events at the edge of what is permitted.
namespace bsp::faulty {

namespace {

using base = knowing_backend;

// ---- timestamps ----------------------------------------------------------------------------------------------

/// ".5" is taken for 5, and what comes in milliseconds, micro- or nanoseconds is right.
struct fractions_counted : base {
    using base::base;
    result<instant> timestamp(std::string_view text) override {
        BSP_TRY(instant t, base::timestamp(text));
        std::size_t const dot = text.find('.');
        if (dot == std::string_view::npos) return t;
        std::size_t end = dot + 1;
        while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end]))) ++end;
        std::size_t const digits = end - dot - 1;
        if (digits % 3 == 0) return t;
        t.nanoseconds = static_cast<std::uint32_t>(std::stoul(std::string{text.substr(dot + 1, digits)}));
        for (std::size_t i = (digits / 3 + 1) * 3; i < 9; ++i) t.nanoseconds *= 10;
        return t;
    }
};
struct seconds_of_32_bits : base {
    using base::base;
    result<instant> timestamp(std::string_view text) override {
        BSP_TRY(instant t, base::timestamp(text));
        t.seconds = static_cast<std::int32_t>(t.seconds);
        return t;
    }
};

// ---- texts and numbers ---------------------------------------------------------------------------------------

bool is_hex(char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; }

/// `text` with every escape of a surrogate that has no partner made U+FFFD, or those alone that are of the second half.
std::string mended(std::string text, bool names_alone, bool second_halves_alone) {
    auto const half = [&](std::size_t at) { return at + 6 <= text.size() && text[at] == '\\' && text[at + 1] == 'u' && is_hex(text[at + 5]) ? std::tolower(text[at + 2]) == 'd' ? std::tolower(text[at + 3]) : 0 : 0; };
    auto const in_name = [&](std::size_t at) {
        std::size_t const end = text.find('"', at);
        return end != std::string::npos && text.find_first_not_of(" ", end + 1) != std::string::npos && text[text.find_first_not_of(" ", end + 1)] == ':';
    };
    for (std::size_t at = 0; at < text.size(); ++at) {
        int const which = half(at);
        bool const first = which >= '8' && which != 0 && (which <= '9' || which == 'a' || which == 'b'), second = which >= 'c' && which <= 'f';
        if (first) {
            int const next = half(at + 6);
            if (next >= 'c' && next <= 'f') {
                at += 11;
                continue;
            }
        }
        if ((first && !second_halves_alone) || second)
            if (!names_alone || in_name(at)) text.replace(at, 6, "\\ufffd");
    }
    return text;
}
struct lone_surrogates_in_names : base {
    using base::base;
    result<json::value> parse_body(std::string_view text) override { return base::parse_body(mended(std::string{text}, true, false)); }
};
struct lone_second_halves : base {
    using base::base;
    result<json::value> parse_body(std::string_view text) override { return base::parse_body(mended(std::string{text}, false, true)); }
};
/// Encodings that a decoder of an older standard lets pass: surrogates, and more bytes than are needed.
template <bool Surrogates>
struct old_utf8 : base {
    using base::base;
    result<json::value> parse_body(std::string_view text) override {
        std::string plain;
        auto const byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
        for (std::size_t i = 0; i < text.size(); ++i) {
            if (Surrogates && byte(i) == 0xED && byte(i + 1) >= 0xA0) plain += "\xEF\xBF\xBD", i += 2;
            else if (!Surrogates && (byte(i) == 0xC0 || byte(i) == 0xC1)) plain += '?', i += 1;
            else if (!Surrogates && byte(i) == 0xE0 && byte(i + 1) < 0xA0) plain += '?', i += 2;
            else plain += text[i];
        }
        return base::parse_body(plain);
    }
};
/// Names are compared as they are spelled.
struct names_by_their_spelling : base {
    using base::base;
    result<json::value> parse_body(std::string_view text) override {
        auto strict = base::parse_body(text);
        return strict || text.find("\\u00") == std::string_view::npos ? strict : parse_leniently(text);
    }
};
struct times_behind_are_ahead : base {
    using base::base;
    result<> check_ahead(instant t, instant now) override {
        if (now > t + std::chrono::hours{24 * 365 * 100}) return fail(errc::invalid_body, "a timestamp of another century");
        return base::check_ahead(t, now);
    }
};

// ---- telemetry -----------------------------------------------------------------------------------------------

/// Knows the text of the event that it judges, and the connection on which it came.
struct hears : base {
    using base::base;
    reply judge(held_socket const& s, std::string const& text, instant now) override {
        text_ = text;
        number_ = s.number;
        return base::judge(s, text, now);
    }

protected:
    std::string text_;
    int number_ = 0;
};
struct no_exponents : hears {
    using hears::hears;
    result<> check_cost(json::fields const& f) override {
        if (auto const at = text_.find("\"cost_usd\""); at != std::string::npos)
            if (auto const number = text_.find_first_of("0123456789", at); number != std::string::npos)
                if (auto const end = text_.find_first_not_of("0123456789.", number); end != std::string::npos && (text_[end] == 'e' || text_[end] == 'E')) return f.invalid("cost_usd", "must be a decimal number");
        return hears::check_cost(f);
    }
};
struct rejections_cost_more : hears {
    using hears::hears;
    reply judge(held_socket const& s, std::string const& text, instant now) override {
        reply r = hears::judge(s, text, now);
        if (!r.texts.empty() && r.texts.front().find("\"rejected\"") != std::string::npos) held().messages_of_peers[s.peer_id].insert(held().messages_of_peers[s.peer_id].end(), 9, now);
        return r;
    }
};
struct repetitions_cost_more : hears {
    using hears::hears;
    void store(telemetry_event e) override {
        if (held().event_ids.contains({e.user_id, e.event_id})) held().messages_of_peers[e.peer_id].insert(held().messages_of_peers[e.peer_id].end(), 9, e.arrived);
        hears::store(std::move(e));
    }
};
struct excess_is_known : base {
    using base::base;
    reply excess(held_socket const& s, std::string const& text, instant now) override {
        if (auto const id = id_of_rejected(text); id.is_string()) held().event_ids.emplace(s.user_id, std::string{json::view(id.as_string())});
        return base::excess(s, text, now);
    }
};
struct far_below_zero : base {
    using base::base;
    result<json::object> parse_event(std::string const& text) override {
        std::string plain = text;
        for (char const* far : {"-1e999", "-1e400", "-1E400", "-1.0e999", "-1e309", "-2e308"}) plain = replaced(plain, far, "-0.5");
        return base::parse_event(plain);
    }
};
struct begins_with_a_brace : base {
    using base::base;
    result<json::object> parse_event(std::string const& text) override {
        if (!text.starts_with('{')) return fail(errc::malformed_body, "no event");
        return base::parse_event(text);
    }
};
struct events_in_utc : base {
    using base::base;
    result<> check_event_time(json::fields const& f) override {
        BSP_TRY(std::string const text, text_of(f, "timestamp"));
        if (!text.ends_with('Z')) return f.invalid("timestamp", "must end in Z");
        return base::check_event_time(f);
    }
};
/// One event more than fits stays on the page before, and is told again.
struct full_pages_overlap : base {
    using base::base;
    answer list_events(call const& c) override {
        later_ = c.parameter("cursor") != nullptr;
        auto out = base::list_events(c);
        later_ = false;
        return out;
    }
    std::string make_cursor(json::object content) override {
        if (later_ && content.contains("n") && content.at("n").is_int64()) content["n"] = content.at("n").as_int64() - 1;
        return base::make_cursor(std::move(content));
    }

private:
    bool later_ = false;
};

}  // namespace

std::vector<fault> later_request_faults() {
    std::vector<fault> out{
        fifth<fractions_counted>("F-GEN-850", "fractions of one, two, four and more digits are padded in front", {"mrg/fraction"}, true),
        fifth<seconds_of_32_bits>("F-GEN-851", "instants are 32 bits of seconds and wrap around", {"syn/message-far-ahead", "syn/old-messages"}, true),
        fifth<lone_surrogates_in_names>("F-GEN-852", "lone surrogates pass in names", {"gen/lone-surrogate"}, true),
        fifth<lone_second_halves>("F-GEN-853", "lone second halves of surrogates pass", {"gen/lone-surrogate"}, true),
        fifth<old_utf8<true>>("F-GEN-854", "surrogates in three bytes pass for UTF-8", {"gen/invalid-utf8"}, true),
        fifth<old_utf8<false>>("F-GEN-855", "encodings with more bytes than are needed pass for UTF-8", {"gen/invalid-utf8"}, true),
        fifth<names_by_their_spelling>("F-GEN-856", "names that differ in their spelling are no duplicates", {"gen/duplicate-members"}, true),
        fifth<times_behind_are_ahead>("F-SYN-873", "messages of another century are refused", {"syn/old-messages"}, false),
        fifth<no_exponents>("F-TEL-852", "a cost with an exponent is rejected", {"tel/opens"}, true),
        fifth<rejections_cost_more>("F-TEL-853", "a rejected event uses up the budget of ten", {"tel/thousand-of-all-kinds"}, false),
        fifth<repetitions_cost_more>("F-TEL-854", "a repeated event uses up the budget of ten", {"tel/thousand-of-all-kinds"}, false),
        fifth<excess_is_known>("F-TEL-855", "an event that was answered rate_limited counts as stored", {"tel/excess"}, false),
        fifth<far_below_zero>("F-TEL-856", "a number below the range of a double is accepted", {"tel/i-json"}, false),
        fifth<begins_with_a_brace>("F-TEL-858", "an event that begins with white space is rejected", {"tel/i-json"}, false),
        fifth<events_in_utc>("F-TEL-859", "an event whose timestamp has an offset is rejected", {"tel/instants"}, true),
        fifth<full_pages_overlap>("F-TEL-860", "the third page of events begins with the last event of the second", {"tel/pages"}, true),
    };
    auto const at_the_door = [&](std::string_view id, std::string_view title, std::vector<std::string_view> killed_by, bool caught, framing reads) {
        out.push_back({id, title, std::move(killed_by), make<observed_backend>, setting::plain, reads, trial{5, caught}});
    };
    at_the_door("F-GEN-860", "a head has to come in one piece", {"gen/pieces"}, false, {.head_in_one_piece = true});
    at_the_door("F-GEN-861", "the body is what has come with the head", {"gen/pieces", "gen/body-10-mib"}, true, {.body_in_one_piece = true});
    at_the_door("F-GEN-862", "what comes with the last bytes of a request is dropped", {"gen/pieces"}, false, {.one_at_once = true});
    at_the_door("F-GEN-863", "the sizes of chunks have small letters and no extensions", {"gen/pieces"}, false, {.plain_chunks = true});
    at_the_door("F-TEL-861", "a ping between fragments takes the place of what came before it", {"tel/fragments"}, true, {.pings_end_messages = true});
    at_the_door("F-TEL-862", "a frame has to come in one piece", {"tel/bytes", "tel/longest"}, true, {.frames_in_one_piece = true});
    at_the_door("F-TEL-863", "of the frames that come together the first is read", {"tel/pipelining"}, true, {.one_frame_at_once = true});
    return out;
}

}  // namespace bsp::faulty
