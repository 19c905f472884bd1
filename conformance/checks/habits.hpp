#pragma once

/// What servers do by habit: of their frameworks, of the caches before them, of their databases. The rows are in the files of
/// the chapters to which they belong.
namespace bsp::conformance {

class scenario;

// habits_of_frameworks.cpp
void fields_mean_nothing(scenario& s);
void no_body_has_no_type(scenario& s);
void charset_means_nothing(scenario& s);
void names_of_parameters_are_exact(scenario& s);
void spellings_of_since(scenario& s);
void each_request_stands_alone(scenario& s);
void assertions_of_other_methods(scenario& s);

// habits_of_caches.cpp
void answers_of_another_user(scenario& s);
void read_again_after_changes(scenario& s);
void peers_read_again(scenario& s);
void validators_follow_changes(scenario& s);
void same_bytes_are_judged_anew(scenario& s);

// habits_of_databases.cpp
void patterns_are_names(scenario& s);
void keys_of_two_parts(scenario& s);
void names_of_objects(scenario& s);
void ties_of_odd_texts(scenario& s);
void many_conflicts(scenario& s);
void since_long_ago(scenario& s);
void flags_elsewhere(scenario& s);
void odd_texts_everywhere(scenario& s);
void odd_texts_of_writes(scenario& s);

// habits_of_stores.cpp
void older_among_many(scenario& s);
void copies_are_apart(scenario& s);
void the_same_again(scenario& s);

// habits_of_connections.cpp
void connections_see_removals(scenario& s);
void connections_see_rotations(scenario& s);
void connections_see_writes(scenario& s);
void lost_connections_cost_nothing(scenario& s);

// habits_of_events.cpp
void repeated_events_are_the_first(scenario& s);
void escaped_names_of_events(scenario& s);
void odd_values_of_events(scenario& s);
void instants_of_events(scenario& s);
void ids_of_events(scenario& s);
void sources_are_exact(scenario& s);
void lenient_events(scenario& s);
void characters_are_not_bytes(scenario& s);
void settings_put_at_once(scenario& s);
void names_of_settings(scenario& s);
void much_is_erased(scenario& s);
void many_events_are_erased(scenario& s);

}  // namespace bsp::conformance
