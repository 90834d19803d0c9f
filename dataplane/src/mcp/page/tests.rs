use proptest::prelude::*;

use super::*;

fn written(page: &Page<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    page.write(&mut out);
    out
}

#[test]
fn a_page_holds_what_is_visible_up_to_its_bounds() {
    let items = ["1", "22", "333", "4444"];
    let odd = |index: usize| index % 2 == 1;
    let all = page(&items, |_| true, 0, PageLimits::default());
    assert_eq!((written(&all), all.items.len(), all.next), (b"[1,22,333,4444]".to_vec(), 4, None));
    let some = page(&items, odd, 0, PageLimits { count: 1, bytes: 100 });
    assert_eq!((written(&some), some.next), (b"[22]".to_vec(), Some(3)));
    let small = page(&items, |_| true, 1, PageLimits { count: 9, bytes: 9 });
    assert_eq!((written(&small), small.next), (b"[22,333]".to_vec(), Some(3)));
    let none = page(&items, |_| false, 0, PageLimits::default());
    assert_eq!((written(&none), none.items.len(), none.next), (b"[]".to_vec(), 0, None));
    assert_eq!(page(&items, |_| true, 99, PageLimits::default()).next, None);
}

#[test]
fn an_item_larger_than_a_page_has_a_page_of_its_own() {
    let items = ["1", "\"a very long item\"", "2"];
    let limits = PageLimits { count: 9, bytes: 5 };
    assert_eq!(written(&page(&items, |_| true, 1, limits)), b"[\"a very long item\"]");
    assert_eq!(page(&items, |_| true, 1, limits).next, Some(2));
}

proptest! {
    #[test]
    fn following_the_pages_gives_every_visible_item_once_and_in_order(
        sizes in proptest::collection::vec(1_u32..9, 0..30), hidden in any::<u32>(), count in 0_usize..6, bytes in 0_usize..30,
    ) {
        let items: Vec<String> = sizes.iter().map(|size| 10_u32.pow(size - 1).to_string()).collect();
        let visible = |index: usize| hidden & (1 << (index % 32)) == 0;
        let limits = PageLimits { count, bytes };
        let (mut seen, mut start, mut pages) = (Vec::new(), Some(0), 0);
        while let Some(at) = start {
            let page = page(&items, visible, at, limits);
            let parsed: Vec<u32> = serde_json::from_slice(&written(&page)).unwrap();
            prop_assert_eq!(parsed.len(), page.items.len());
            prop_assert!(page.items.len() <= count.max(1));
            prop_assert!(page.items.len() <= 1 || page.bytes <= bytes);
            seen.extend(parsed.iter().map(ToString::to_string));
            start = page.next;
            pages += 1;
            prop_assert!(pages <= items.len() + 1);
        }
        let expected: Vec<String> = items.iter().enumerate().filter(|(n, _)| visible(*n)).map(|(_, item)| item.clone()).collect();
        prop_assert_eq!(seen, expected);
    }
}
