#include "../private_backend.hpp"

#include <bsp/crypto/signed_object.hpp>
#include <bsp/json/c14n.hpp>
#include <bsp/json/parse.hpp>

#include <algorithm>
#include <cctype>
#include <regex>
#include <thread>

/// Faults of redaction (chapter 17).
namespace bsp::faulty {

namespace {

template <class Mutant>
fault row(std::string_view id, std::string_view title, std::vector<std::string_view> killed_by, setting needs) {
    return {id, title, std::move(killed_by), make<Mutant>, needs, {}, {}};
}

// ---- to whom ----

struct pushes_everything : private_backend {
    using private_backend::private_backend;
    json::object outgoing(json::object entry, peer_record const* to, outlet by) override { return by == outlet::push ? entry : private_backend::outgoing(std::move(entry), to, by); }
};
struct gives_everything_to_pulls : private_backend {
    using private_backend::private_backend;
    json::object outgoing(json::object entry, peer_record const* to, outlet by) override { return by == outlet::pull ? entry : private_backend::outgoing(std::move(entry), to, by); }
};
struct gives_everything_to_readers : private_backend {
    using private_backend::private_backend;
    json::object outgoing(json::object entry, peer_record const* to, outlet by) override { return by == outlet::read ? entry : private_backend::outgoing(std::move(entry), to, by); }
};
struct redacts_for_everybody : private_backend {
    using private_backend::private_backend;
    bool redacts_for(peer_record const& to) override { return wants_redaction(to.user_id); }
};
struct setting_ignored : private_backend {
    using private_backend::private_backend;
    bool wants_redaction(std::string const&) override { return true; }
};
struct queue_is_final : private_backend {
    using private_backend::private_backend;
    bool is_outdated(parcel const&, peer_record const&) override { return false; }
    void settings_changed(std::string const&) override {}
};

// ---- what ----

struct what_the_user_said_only : private_backend {
    using private_backend::private_backend;
    json::object redact_members(json::object o, bool is_message) override {
        auto const* role = o.if_contains("role");
        return is_message && (!role || *role != "user") ? o : private_backend::redact_members(std::move(o), is_message);
    }
};
struct first_message_only : private_backend {
    using private_backend::private_backend;
    json::object redact_entry(json::object entry) override {
        auto const* all = entry.if_contains("messages");
        auto const before = all ? all->get_array() : json::array{};
        json::object out = private_backend::redact_entry(std::move(entry));
        for (std::size_t i = 1; i < before.size(); ++i) out["messages"].as_array()[i] = before[i];
        return out;
    }
};
struct title_forgotten : private_backend {
    using private_backend::private_backend;
    bool stays_whole(std::string_view member, bool is_message) override { return private_backend::stays_whole(member, is_message) || (!is_message && member == "title"); }
};
struct content_and_title_only : private_backend {
    using private_backend::private_backend;
    bool stays_whole(std::string_view member, bool) override { return member != "content" && member != "title"; }
};
struct no_lists : private_backend {
    using private_backend::private_backend;
    bool redact_value(json::value& v) override { return !v.is_array() && private_backend::redact_value(v); }
};
struct all_strings : private_backend {
    using private_backend::private_backend;
    bool stays_whole(std::string_view member, bool is_message) override { return !is_message && (member == "messages" || member == "surfaces"); }
};
struct ids_too : private_backend {
    using private_backend::private_backend;
    bool stays_whole(std::string_view member, bool is_message) override { return member != "id" && private_backend::stays_whole(member, is_message); }
};

// ---- how ----

struct first_match_only : private_backend {
    using private_backend::private_backend;
    std::string redact_kind(std::string const& text, personal what) override {
        std::string const all = private_backend::redact_kind(text, what);
        if (all == text) return text;
        // The end of the first replacement, and from there the text as it was.
        std::size_t same = 0;
        while (same < text.size() && all[same] == text[same]) ++same;
        for (std::size_t cut = same + 1; cut <= text.size(); ++cut)
            if (std::string const head = private_backend::redact_kind(text.substr(0, cut), what); head != text.substr(0, cut) && (cut == text.size() || text[cut] == ' ' || text[cut] == ',' || text[cut] == '.'))
                return head + text.substr(cut);
        return all;
    }
};
struct message_as_a_whole : private_backend {
    using private_backend::private_backend;
    std::string redact_text(std::string text) override { return private_backend::redact_text(text) == text ? text : "[REDACTED]"; }
};
struct mail_last : private_backend {
    using private_backend::private_backend;
    std::string redact_text(std::string text) override {
        for (auto const each : {personal::phone, personal::ssn, personal::credit_card, personal::email}) text = redact_kind(text, each);
        return text;
    }
};
/// The four expressions of the source document.
struct source_expressions : private_backend {
    using private_backend::private_backend;
    std::string redact_kind(std::string const& text, personal what) override {
        static std::regex const of_kind[] = {std::regex{R"(\b[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}\b)"}, std::regex{R"(\b\d{4}[-\s]?\d{4}[-\s]?\d{4}[-\s]?\d{4}\b)"},
                                             std::regex{R"(\b\d{3}-\d{2}-\d{4}\b)"}, std::regex{R"(\b\d{3}[-.]?\d{3}[-.]?\d{4}\b)"}};
        static char const* const replacements[] = {"[REDACTED_EMAIL]", "[REDACTED_CREDIT_CARD]", "[REDACTED_SSN]", "[REDACTED_PHONE]"};
        if (text.size() > 10'000) return private_backend::redact_kind(text, what);  // std::regex would not survive it
        return std::regex_replace(text, of_kind[static_cast<int>(what)], replacements[static_cast<int>(what)]);
    }
};
struct moments_are_numbers : private_backend {
    using private_backend::private_backend;
    std::string redact_kind(std::string const& text, personal what) override {
        static std::regex const ten{R"(\b\d{10}\b)"};
        std::string const out = private_backend::redact_kind(text, what);
        return what == personal::phone && out.size() < 10'000 ? std::regex_replace(out, ten, "[REDACTED_PHONE]") : out;
    }
};
struct trunk_prefix_left : private_backend {
    using private_backend::private_backend;
    std::string redact_kind(std::string const& text, personal what) override {
        if (what != personal::phone || text.size() > 10'000) return private_backend::redact_kind(text, what);
        static std::regex const trunk{R"(\b1-(\d{3}-\d{3}-\d{4})\b)"};
        return private_backend::redact_kind(std::regex_replace(text, trunk, "1- $1"), what);
    }
};
struct replacements_grow : private_backend {
    using private_backend::private_backend;
    std::string redact_text(std::string text) override {
        std::string out;
        for (std::size_t at = 0; at < text.size(); ++at) {
            bool const is_one = text.compare(at, 10, "[REDACTED_") == 0;
            if (is_one) out += "\\";
            out += text[at];
        }
        return private_backend::redact_text(std::move(out));
    }
};
struct encoded_text_searched : private_backend {
    using private_backend::private_backend;
    bool redact_value(json::value& v) override {
        auto* s = v.if_string();
        if (!s) return private_backend::redact_value(v);
        std::string const before = json::canonicalize(v).value(), after = redact_text(before);
        if (before != after) v = json::parse(after).value();
        return before != after;
    }
};
/// As long as an expression that tries every beginning and every end takes, up to half a minute.
struct quadratic : private_backend {
    using private_backend::private_backend;
    std::string redact_kind(std::string const& text, personal what) override {
        std::size_t run = 0, longest = 0;
        for (char const c : text) longest = std::max(longest, run = std::isalnum(static_cast<unsigned char>(c)) || c == '.' ? run + 1 : 0);
        if (what == personal::email) std::this_thread::sleep_for(std::min(milliseconds{longest * longest / 1'000'000}, milliseconds{30'000}));
        return private_backend::redact_kind(text, what);
    }
};

// ---- the copy ----

struct unmarked : private_backend {
    using private_backend::private_backend;
    void mark(json::object&) override {}
};
struct copy_is_an_edit : private_backend {
    using private_backend::private_backend;
    void mark(json::object& altered) override {
        private_backend::mark(altered);
        altered["version"] = altered.at("version").as_int64() + 1;
    }
};
struct everything_marked : private_backend {
    using private_backend::private_backend;
    json::object redact_members(json::object o, bool is_message) override {
        json::object out = private_backend::redact_members(std::move(o), is_message);
        if (is_message) out["redacted"] = true;
        return out;
    }
};
struct store_redacted : private_backend {
    using private_backend::private_backend;
    json::object outgoing(json::object entry, peer_record const* to, outlet by) override {
        json::object out = private_backend::outgoing(std::move(entry), to, by);
        auto const* id = out.if_contains("conversation_id");
        if (to && redacts_for(*to) && id) {
            conversation& kept = tenant_of(to->user_id)[std::string{json::view(id->as_string())}];
            for (auto& [message_id, m] : kept.messages) m.received = redact_members(std::move(m.received), true);
        }
        return out;
    }
};
struct signed_first : private_backend {
    using private_backend::private_backend;
    json::object outgoing(json::object entry, peer_record const* to, outlet by) override { return by == outlet::push ? entry : private_backend::outgoing(std::move(entry), to, by); }
    json::object payload(peer_record const& peer, parcel const& p, instant now) override {
        json::object out = private_backend::payload(peer, p, now);
        for (auto& entry : out["conversations"].as_array()) entry = private_backend::outgoing(entry.as_object(), &peer, outlet::push);
        return out;
    }
};
struct receives_redacted : private_backend {
    using private_backend::private_backend;
    result<message> decode_message(json::fields const& f, instant now) override {
        json::object redacted = redact_members(f.get(), true);
        redacted.erase("redacted");
        return private_backend::decode_message(json::fields{redacted}, now);
    }
};
struct mark_unheeded : private_backend {
    using private_backend::private_backend;
    bool outranks(message const& a, message const& b) override {
        return a.version == b.version && a.written == b.written ? message_tie(a, b) : private_backend::outranks(a, b);
    }
};
struct latest_wins_a_tie : private_backend {
    using private_backend::private_backend;
    bool outranks(message const& a, message const& b) override { return a.version == b.version && a.written == b.written ? a.digest != b.digest : private_backend::outranks(a, b); }
};
struct titles_taken : private_backend {
    using private_backend::private_backend;
    void keep_own_members(tenant const&, tenant&) override {}
};
struct digest_of_originals : private_backend {
    using private_backend::private_backend;
    tenant digested(tenant const& all, peer_record const&) override { return all; }
};

struct labels_too : private_backend {
    using private_backend::private_backend;
    bool stays_whole(std::string_view member, bool is_message) override { return member != "role" && member != "source_backend" && private_backend::stays_whole(member, is_message); }
};
struct names_told : private_backend {
    using private_backend::private_backend;
    json::object event_of(std::string_view direction, json::array const& conversations, std::string const& sync_id) override {
        json::object event = private_backend::event_of(direction, conversations, sync_id);
        json::array ids;
        for (auto const& c : conversations) ids.push_back(c.at("conversation_id"));
        event.at("metadata").as_object()["ids"] = std::move(ids);
        return event;
    }
};

}  // namespace

std::vector<fault> red_faults() {
    using enum setting;
    return {
        row<pushes_everything>("F-PRV-10", "personal data is pushed to a hosted peer", {"red/push-corpus"}, client),
        row<what_the_user_said_only>("F-PRV-11", "only what the user said is redacted", {"red/push-every-string"}, client),
        row<title_forgotten>("F-PRV-12", "titles are pushed as they are", {"red/push-every-string"}, client),
        row<store_redacted>("F-PRV-13", "redaction alters what is kept", {"red/push-originals-stay"}, client),
        row<ids_too>("F-PRV-14", "ids are redacted", {"red/push-names-stay"}, client),
        row<signed_first>("F-PRV-15", "a push is signed before it is redacted", {"red/push-signed"}, client),
        row<setting_ignored>("F-PRV-16", "redact_pii false is ignored", {"red/push-switched-off"}, client),
        row<quadratic>("F-PRV-26", "redaction takes quadratic time", {"red/hostile-text"}, local),
        row<mail_last>("F-PRV-27", "mail addresses are looked for last", {"red/push-order-of-kinds"}, client),
        row<first_match_only>("F-PRV-201", "of each kind only the first match is replaced in a push", {"red/push-in-place"}, client),
        row<first_message_only>("F-PRV-202", "only the first message of a conversation is redacted", {"red/push-every-string"}, client),
        row<content_and_title_only>("F-PRV-203", "unknown members are pushed as they are", {"red/push-every-string"}, client),
        row<no_lists>("F-PRV-204", "strings in lists are not redacted", {"red/push-every-string"}, client),
        row<moments_are_numbers>("F-PRV-205", "seconds since 1970 are taken for a telephone number", {"red/push-keeps-the-rest"}, client),
        row<source_expressions>("F-PRV-206", "only the expressions of the source document are applied", {"red/push-corpus"}, client),
        row<trunk_prefix_left>("F-PRV-207", "the trunk prefix of a telephone number is left", {"red/push-published-results"}, client),
        row<unmarked>("F-PRV-208", "a redacted message is pushed without a mark", {"red/push-marked"}, client),
        row<everything_marked>("F-PRV-209", "every message that is pushed is marked as redacted", {"red/push-wholes-unmarked"}, client),
        row<latest_wins_a_tie>("F-PRV-210", "a redacted copy of the same version that is pulled takes the original's place", {"red/pulled-copy"}, client),
        row<titles_taken>("F-PRV-211", "a pulled title takes the place of the one of which it is the redaction", {"red/pulled-title"}, client),
        row<queue_is_final>("F-PRV-212", "a push that was prepared before redaction was switched on is repeated as it was", {"red/push-repeated"}, client),
        row<gives_everything_to_pulls>("F-PRV-213", "only pushes are redacted", {"red/pull-corpus"}, local),
        row<source_expressions>("F-PRV-214", "only the expressions of the source document are applied to pulls", {"red/pull-corpus", "red/pull-keeps-the-rest"}, local),
        row<moments_are_numbers>("F-PRV-215", "seconds since 1970 are redacted in a pull", {"red/pull-keeps-the-rest"}, local),
        row<trunk_prefix_left>("F-PRV-216", "the trunk prefix of a telephone number is left in a pull", {"red/pull-published-results"}, local),
        row<message_as_a_whole>("F-PRV-217", "a text with personal data is replaced as a whole", {"red/pull-in-place"}, local),
        row<mail_last>("F-PRV-218", "mail addresses are looked for last in a pull", {"red/pull-order-of-kinds"}, local),
        row<content_and_title_only>("F-PRV-219", "unknown members are pulled as they are", {"red/pull-every-string"}, local),
        row<all_strings>("F-PRV-220", "all strings of a message or conversation are redacted, ids too", {"red/pull-names-stay"}, local),
        row<copy_is_an_edit>("F-PRV-221", "a redacted message has another version", {"red/pull-marked"}, local),
        row<everything_marked>("F-PRV-222", "every message that is pulled is marked as redacted", {"red/pull-wholes-unmarked"}, local),
        row<replacements_grow>("F-PRV-223", "what was redacted is altered again", {"red/pull-twice"}, local),
        row<store_redacted>("F-PRV-224", "a pull redacts what is kept", {"red/pull-originals-stay"}, local),
        row<setting_ignored>("F-PRV-225", "redact_pii false is ignored in a pull", {"red/pull-switched-off"}, local),
        row<receives_redacted>("F-PRV-226", "what is received is redacted", {"red/received-stays"}, plain),
        row<redacts_for_everybody>("F-PRV-227", "local peers get redacted copies, too", {"red/local-peers-get-originals"}, plain),
        row<mark_unheeded>("F-PRV-228", "the digest decides between an original and its redacted copy", {"red/originals-win"}, plain),
        row<latest_wins_a_tie>("F-PRV-229", "a redacted copy that comes back takes the original's place", {"red/own-copy-comes-back"}, local),
        row<gives_everything_to_readers>("F-PRV-230", "conversations that a hosted peer reads are not redacted", {"red/other-answers"}, local),
        row<encoded_text_searched>("F-PRV-231", "the serialized text is searched for personal data", {"red/decoded"}, local),
        row<labels_too>("F-PRV-233", "role and source_backend are redacted in a pull", {"red/pull-labels-stay"}, local),
        row<labels_too>("F-PRV-234", "role and source_backend are redacted in a push", {"red/push-labels-stay"}, client),
        row<names_told>("F-PRV-235", "the ids of what was exchanged are told as they are", {"red/told-metadata"}, client),
        row<digest_of_originals>("F-PRV-232", "the digest for a hosted peer is of what is kept", {"red/digest"}, local),
    };
}

}  // namespace bsp::faulty
