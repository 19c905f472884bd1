#pragma once

#include "../peer/stand_in.hpp"
#include "../registry.hpp"
#include "ground.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Chapter 17 as a hosted peer sees it.
namespace bsp::conformance {

/// An item of the published corpus.
struct corpus_item {
    std::string id, catches, text, redacted;
    bool is_required = false;
    std::vector<std::string> pii;  ///< empty: the text stays as it is
};

std::vector<corpus_item> const& redaction_corpus();

/// Sets `redact_pii` of the user, unless it is so. UNTESTED when the target has no privacy settings.
void set_redaction(scenario& s, caller const& user, user_account const& account, bool on);

/// Personal data of one kind, as the source document's expressions have it, made anew.
std::string any_email(scenario& s);
std::string any_phone(scenario& s);
std::string any_ssn(scenario& s);
std::string any_card(scenario& s);  ///< 16 digits in groups, with a right check digit

/// "… of text that is redacted" for people, in short.
std::string text_of(json::object const* message);

/// A hosted peer that pulls, and a user whose data it is. What it is to see comes from another peer or from the user.
class pulling_onlooker {
public:
    explicit pulling_onlooker(scenario& s);
    /// The conversation, once it has come; INCONCLUSIVE when it does not.
    [[nodiscard]] fed sees(std::string const& conversation, std::string_view last_message = {});
    /// The same, once it has come with these messages; as it is when that does not happen soon.
    [[nodiscard]] fed may_see(std::string const& conversation, std::vector<std::string> const& messages);
    [[nodiscard]] std::string how() const { return "in a pull of a hosted peer"; }

    scenario& world;
    caller user;
    user_account account;
    peer source, reader;
};

/// The same, to which the target pushes.
class pushed_onlooker {
public:
    explicit pushed_onlooker(scenario& s);
    /// The conversation, once it has come; INCONCLUSIVE when it does not.
    [[nodiscard]] fed sees(std::string const& conversation, std::string_view last_message = {});
    /// The same, once it has come with these messages; as it is when that does not happen soon.
    [[nodiscard]] fed may_see(std::string const& conversation, std::vector<std::string> const& messages);
    [[nodiscard]] std::string how() const { return "in a push to a hosted peer"; }

    scenario& world;
    stand_in in;
    caller user;
    user_account account;
    peer source;
};

// ---- what is judged in both ----

template <class Onlooker>
void corpus_leaves_nothing(scenario& s);
template <class Onlooker>
void negative_corpus_stays(scenario& s);
template <class Onlooker>
void results_are_the_published_ones(scenario& s);
template <class Onlooker>
void matches_are_replaced_in_their_place(scenario& s);
template <class Onlooker>
void kinds_have_an_order(scenario& s);
template <class Onlooker>
void every_string_is_redacted(scenario& s);
template <class Onlooker>
void names_stay(scenario& s);
template <class Onlooker>
void labels_stay(scenario& s);
template <class Onlooker>
void copies_are_marked(scenario& s);
template <class Onlooker>
void wholes_are_not_marked(scenario& s);
template <class Onlooker>
void redacted_stays_redacted(scenario& s);
template <class Onlooker>
void originals_stay(scenario& s);
template <class Onlooker>
void switched_off_is_off(scenario& s);

#define BSP_REDACTION_JUDGEMENTS(X, onlooker) \
    X template void corpus_leaves_nothing<onlooker>(scenario&); \
    X template void negative_corpus_stays<onlooker>(scenario&); \
    X template void results_are_the_published_ones<onlooker>(scenario&); \
    X template void matches_are_replaced_in_their_place<onlooker>(scenario&); \
    X template void kinds_have_an_order<onlooker>(scenario&); \
    X template void every_string_is_redacted<onlooker>(scenario&); \
    X template void names_stay<onlooker>(scenario&); \
    X template void labels_stay<onlooker>(scenario&); \
    X template void copies_are_marked<onlooker>(scenario&); \
    X template void wholes_are_not_marked<onlooker>(scenario&); \
    X template void redacted_stays_redacted<onlooker>(scenario&); \
    X template void originals_stay<onlooker>(scenario&); \
    X template void switched_off_is_off<onlooker>(scenario&)

BSP_REDACTION_JUDGEMENTS(extern, pulling_onlooker);
BSP_REDACTION_JUDGEMENTS(extern, pushed_onlooker);

}  // namespace bsp::conformance
