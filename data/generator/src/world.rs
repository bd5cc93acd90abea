//! What does not depend on the seed: cities, and what is bought in them.

/// A city: its name, and its latitude and longitude in hundredths of a degree, about a kilometre.
pub(crate) struct City {
    pub name: &'static str,
    pub latitude: i32,
    pub longitude: i32,
}

const fn city(name: &'static str, latitude: i32, longitude: i32) -> City {
    City {
        name,
        latitude,
        longitude,
    }
}

/// Where accounts live and travel. Names without commas and accents, so that the file needs no quotes.
pub(crate) const CITIES: [City; 40] = [
    city("Amsterdam", 5237, 490),
    city("Athens", 3798, 2373),
    city("Auckland", -3685, 17476),
    city("Bangkok", 1376, 10050),
    city("Barcelona", 4139, 217),
    city("Berlin", 5252, 1341),
    city("Bogota", 471, -7407),
    city("Brussels", 5085, 435),
    city("Buenos Aires", -3460, -5838),
    city("Cairo", 3004, 3124),
    city("Cape Town", -3392, 1842),
    city("Chicago", 4188, -8763),
    city("Copenhagen", 5568, 1257),
    city("Dublin", 5335, -626),
    city("Helsinki", 6017, 2494),
    city("Hong Kong", 2232, 11417),
    city("Istanbul", 4101, 2898),
    city("Jakarta", -621, 10685),
    city("Johannesburg", -2620, 2805),
    city("Lagos", 645, 339),
    city("Lima", -1205, -7704),
    city("Lisbon", 3872, -914),
    city("London", 5151, -13),
    city("Los Angeles", 3405, -11824),
    city("Madrid", 4042, -370),
    city("Mexico City", 1943, -9913),
    city("Milan", 4546, 919),
    city("Mumbai", 1908, 7288),
    city("Nairobi", -129, 3682),
    city("New York", 4071, -7401),
    city("Oslo", 5991, 1075),
    city("Paris", 4886, 235),
    city("Prague", 5008, 1444),
    city("Sao Paulo", -2355, -4663),
    city("Seoul", 3757, 12698),
    city("Singapore", 135, 10382),
    city("Sydney", -3387, 15121),
    city("Tokyo", 3568, 13965),
    city("Toronto", 4365, -7938),
    city("Vienna", 4821, 1637),
];

/// Kilometres between two cities along the surface of a sphere, by the haversine formula.
pub(crate) fn kilometres(from: usize, to: usize) -> f64 {
    let radians = |hundredths: i32| f64::from(hundredths) / 100.0 * std::f64::consts::PI / 180.0;
    let (a, b) = (&CITIES[from], &CITIES[to]);
    let square = |x: f64| x * x;
    let up = square(libm::sin(radians(b.latitude - a.latitude) / 2.0));
    let along = square(libm::sin(radians(b.longitude - a.longitude) / 2.0));
    let across = libm::cos(radians(a.latitude)) * libm::cos(radians(b.latitude)) * along;
    2.0 * 6371.0 * libm::asin(libm::sqrt(up + across))
}

/// What is bought: its name, the median of the amounts in cents, the standard deviation of their logarithm, and how often
/// people buy it.
pub(crate) struct Category {
    pub name: &'static str,
    pub median: u32,
    pub sigma: f64,
    pub weight: u32,
}

const fn category(name: &'static str, median: u32, sigma: f64, weight: u32) -> Category {
    Category {
        name,
        median,
        sigma,
        weight,
    }
}

pub(crate) const CATEGORIES: [Category; 11] = [
    category("groceries", 2_800, 0.70, 30),
    category("restaurant", 2_400, 0.60, 16),
    category("transport", 450, 0.60, 14),
    category("fuel", 5_200, 0.35, 7),
    category("clothing", 5_500, 0.70, 6),
    category("electronics", 12_000, 0.90, 3),
    category("health", 2_200, 0.80, 6),
    category("leisure", 1_800, 0.70, 8),
    category("travel", 18_000, 0.80, 3),
    category("online", 3_000, 0.95, 13),
    category("cash", 9_000, 0.60, 5),
];

pub(crate) const GROCERIES: usize = 0;
pub(crate) const RESTAURANT: usize = 1;
pub(crate) const TRANSPORT: usize = 2;
pub(crate) const FUEL: usize = 3;
pub(crate) const CLOTHING: usize = 4;
pub(crate) const ELECTRONICS: usize = 5;
pub(crate) const LEISURE: usize = 7;
pub(crate) const TRAVEL: usize = 8;
pub(crate) const ONLINE: usize = 9;
pub(crate) const CASH: usize = 10;

/// Merchants of one category in one city, and merchants that sell online to everybody.
pub(crate) const MERCHANTS_HERE: u32 = 6;
pub(crate) const MERCHANTS_ONLINE: u32 = 80;

/// The number of a merchant: the online ones first, then city by city, category by category.
pub(crate) fn merchant(city: usize, category: usize, which: u32) -> u32 {
    if category == ONLINE {
        return which % MERCHANTS_ONLINE;
    }
    let shelf = (city * CATEGORIES.len() + category) as u32;
    MERCHANTS_ONLINE + shelf * MERCHANTS_HERE + which % MERCHANTS_HERE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_the_atlas() {
        let place = |name: &str| CITIES.iter().position(|city| city.name == name).unwrap();
        let cases = [
            ("London", "Paris", 344.0),
            ("London", "New York", 5_570.0),
            ("Tokyo", "Sydney", 7_820.0),
            ("Auckland", "Los Angeles", 10_480.0),
        ];
        for (from, to, atlas) in cases {
            let found = kilometres(place(from), place(to));
            assert!(
                (found / atlas - 1.0).abs() < 0.01,
                "{from} to {to}: {found}"
            );
        }
    }

    #[test]
    fn names_need_no_quotes_and_constants_name_what_they_say() {
        let names = CITIES.iter().map(|city| city.name);
        for name in names.chain(CATEGORIES.iter().map(|category| category.name)) {
            assert!(name.chars().all(|c| c.is_ascii_alphabetic() || c == ' '));
        }
        let named = [
            (GROCERIES, "groceries"),
            (RESTAURANT, "restaurant"),
            (TRANSPORT, "transport"),
            (FUEL, "fuel"),
            (CLOTHING, "clothing"),
            (ELECTRONICS, "electronics"),
            (LEISURE, "leisure"),
            (TRAVEL, "travel"),
            (ONLINE, "online"),
            (CASH, "cash"),
        ];
        for (index, name) in named {
            assert_eq!(CATEGORIES[index].name, name);
        }
    }
}
